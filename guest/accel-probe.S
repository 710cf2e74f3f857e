/* SPDX-License-Identifier: GPL-2.0 */
/*
 * accel-probe - the tiny guest that proves an accelerator
 *
 * A boot sector which does a little of everything that a kernel needs from
 * the machine: timer interrupts that wake HLT, the way into protected mode,
 * and some real work. It ends QEMU through the debug exit port.
 */
#define TICKS		4		/* of the BIOS clock, 55 ms each */
#define BIOS_TICKS	0x46c
#define LOOPS		50000000
#define EXIT_PORT	0xf4
#define EXIT_CODE	0x2a

	.code16
	.globl _start
_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %ss
	movw	$0x7c00, %sp
	sti
	movw	BIOS_TICKS, %bx
wait_for_ticks:
	hlt
	movw	BIOS_TICKS, %ax
	subw	%bx, %ax
	cmpw	$TICKS, %ax
	jb	wait_for_ticks

	cli
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$8, $protected_mode

	.code32
protected_mode:
	movl	$LOOPS, %ecx
work:
	decl	%ecx
	jnz	work
	movb	$EXIT_CODE, %al
	movw	$EXIT_PORT, %dx
	outb	%al, %dx
halt:
	hlt
	jmp	halt

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9a000000ffff	/* flat code */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPUs do and which timers they arm
 */
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

const struct load *load;

static struct task *tasks;

static void *zalloc(size_t nr, size_t size)
{
	void *memory = calloc(nr ? nr : 1, size);

	if (!memory) {
		fprintf(stderr, "sim: out of memory\n");
		exit(1);
	}
	return memory;
}

static void nothing(unsigned int cpu)
{
}

static void nothing_at_all(void)
{
}

/* --- Threads that sleep 200..600 ms, as wheel.c ---------------------------- */

static void wake_owner(struct timer *timer)
{
	timer->task->run = sim_random_exp(params.run);
	task_wake(timer->task);
}

static void sleep_again(struct task *task)
{
	timer_arm(&task->timer, task->cpu, MS_TO_TICKS(sim_random_range(200, 599)));
}

static void start_sleepers(unsigned int first_cpu, unsigned int per_cpu)
{
	unsigned int i, nr = topology.nr_cpus * per_cpu;

	tasks = zalloc(nr, sizeof(*tasks));
	for (i = first_cpu * per_cpu; i < nr; i++) {
		tasks[i].cpu = i / per_cpu;
		tasks[i].done = sleep_again;
		tasks[i].timer.fn = wake_owner;
		tasks[i].timer.base = BASE_GLOBAL;
		tasks[i].timer.task = &tasks[i];
		timer_arm(&tasks[i].timer, tasks[i].cpu, sim_random_range(1, 150));
	}
}

static void sleepers_init(unsigned int timers)
{
	start_sleepers(0, timers);
}

/* --- CPU 0 never sleeps ----------------------------------------------------- */

static void one_busy_init(unsigned int timers)
{
	static struct task spin = { .run = SIM_NEVER };

	start_sleepers(1, timers);
	task_wake(&spin);
	sim_device_at(0, 1);
}

/* --- Timers of the kernel's own, whose functions wake nobody ---------------- */

static void rearm(struct timer *timer)
{
	timer_arm(timer, timer->cpu, timer->period);
}

/* As round_jiffies_up() without its skew */
static void rearm_rounded(struct timer *timer)
{
	uint64_t second = SECOND / TICK_NS, when = sim_now() / TICK_NS + timer->period;

	timer_arm_at(timer, timer->cpu, (when + second - 1) / second * second);
}

static void start_kernel_timers(unsigned int per_cpu, void (*fn)(struct timer *timer),
				unsigned int pin_every)
{
	unsigned int i, nr = topology.nr_cpus * per_cpu;
	struct timer *timers = zalloc(nr, sizeof(*timers));

	for (i = 0; i < nr; i++) {
		timers[i].fn = fn;
		timers[i].base = pin_every && i % pin_every == 0 ? BASE_LOCAL : BASE_GLOBAL;
		timers[i].cpu = i / per_cpu;
		timers[i].period = MS_TO_TICKS(sim_random_range(250, 2000));
		timer_arm(&timers[i], timers[i].cpu, sim_random_range(1, 250));
	}
}

static void kernel_init(unsigned int timers)
{
	start_kernel_timers(timers, rearm, 0);
}

/* Every other one can only expire on its CPU */
static void pinned_init(unsigned int timers)
{
	start_kernel_timers(timers, rearm, 2);
}

static void rounded_init(unsigned int timers)
{
	start_kernel_timers(timers, rearm_rounded, 0);
}

/* --- Network-like timeouts --------------------------------------------------- */

/**
 * struct flow - A connection
 * @retransmit:	armed again by each packet, hardly ever expires
 * @delack:	armed by every other packet, deleted by the next
 */
struct flow {
	struct timer	retransmit;
	struct timer	delack;
};

static struct flow *flows;
static unsigned int flows_per_cpu;

static void timed_out(struct timer *timer)
{
}

static void start_flows(unsigned int per_cpu)
{
	unsigned int i, nr = topology.nr_cpus * per_cpu;

	flows_per_cpu = per_cpu;
	flows = zalloc(nr, sizeof(*flows));
	for (i = 0; i < nr; i++) {
		flows[i].retransmit.fn = timed_out;
		flows[i].retransmit.base = BASE_GLOBAL;
		flows[i].delack.fn = timed_out;
		flows[i].delack.base = BASE_GLOBAL;
	}
}

static void packet(unsigned int cpu, unsigned int timeout_ms)
{
	struct flow *flow;

	if (!flows_per_cpu)
		return;

	flow = &flows[cpu * flows_per_cpu + sim_random() % flows_per_cpu];
	timer_arm(&flow->retransmit, cpu, MS_TO_TICKS(timeout_ms));
	if (flow->delack.queued)
		timer_cancel(&flow->delack);
	else
		timer_arm(&flow->delack, cpu, MS_TO_TICKS(40));
}

/* --- A server that is busy half of the time, in bursts ----------------------- */

#define BURST_MEAN	(30 * MS)
#define REQUEST_MEAN	(2 * MS)

static struct task *bursts;
static uint64_t *burst_end;

static void burst_step(struct task *task)
{
	unsigned int cpu = task->cpu;

	packet(cpu, sim_random_range(200, 300));
	if (sim_now() < burst_end[cpu])
		sim_device_at(cpu, sim_now());
	else
		sim_device_at(cpu, sim_now() + sim_random_exp(BURST_MEAN));
}

static void burst_device(unsigned int cpu)
{
	if (sim_now() >= burst_end[cpu])
		burst_end[cpu] = sim_now() + sim_random_range(10 * MS, 50 * MS);

	bursts[cpu].run = sim_random_exp(REQUEST_MEAN);
	task_wake(&bursts[cpu]);
}

static void bursty_init(unsigned int timers)
{
	unsigned int cpu;

	start_flows(timers);
	bursts = zalloc(topology.nr_cpus, sizeof(*bursts));
	burst_end = zalloc(topology.nr_cpus, sizeof(*burst_end));
	for (cpu = 0; cpu < topology.nr_cpus; cpu++) {
		bursts[cpu].cpu = cpu;
		bursts[cpu].done = burst_step;
		sim_device_at(cpu, sim_random_exp(BURST_MEAN));
	}
}

/* --- All CPUs go idle and wake all the time ---------------------------------- */

#define FLAP_IDLE_MEAN	(500 * US)
#define FLAP_RUN_MEAN	(200 * US)

static struct task *flaps;

static void flap_done(struct task *task)
{
	sim_device_at(task->cpu, sim_now() + sim_random_exp(FLAP_IDLE_MEAN));
}

static void flap_device(unsigned int cpu)
{
	flaps[cpu].run = sim_random_exp(FLAP_RUN_MEAN);
	task_wake(&flaps[cpu]);
}

static void flapping_init(unsigned int timers)
{
	unsigned int cpu;

	start_kernel_timers(timers, rearm, 0);
	flaps = zalloc(topology.nr_cpus, sizeof(*flaps));
	for (cpu = 0; cpu < topology.nr_cpus; cpu++) {
		flaps[cpu].cpu = cpu;
		flaps[cpu].done = flap_done;
		sim_device_at(cpu, sim_random_exp(FLAP_IDLE_MEAN));
	}
}

/* --- Packets arrive at idle CPUs, one in ten is for a thread ----------------- */

#define PACKET_MEAN	(10 * MS)

static void packets_device(unsigned int cpu)
{
	packet(cpu, sim_random_range(1000, 60000));
	if (sim_random() % 10 == 0) {
		flaps[cpu].run = sim_random_exp(FLAP_RUN_MEAN);
		task_wake(&flaps[cpu]);
	}
	sim_device_at(cpu, sim_now() + sim_random_exp(PACKET_MEAN));
}

static void packets_init(unsigned int timers)
{
	unsigned int cpu;

	start_flows(timers);
	flaps = zalloc(topology.nr_cpus, sizeof(*flaps));
	for (cpu = 0; cpu < topology.nr_cpus; cpu++) {
		flaps[cpu].cpu = cpu;
		sim_device_at(cpu, sim_random_exp(PACKET_MEAN));
	}
}

/* --- CPUs leave and return --------------------------------------------------- */

#define HOTPLUG_EVERY	(50 * MS)

static void hotplug_step(void)
{
	unsigned int cpu = sim_random_range(1, topology.nr_cpus - 1);

	if (sim_online(cpu))
		sim_cpu_down(cpu);
	else
		sim_cpu_up(cpu);
	sim_system_at(sim_now() + HOTPLUG_EVERY);
}

static void hotplug_init(unsigned int timers)
{
	start_sleepers(0, timers);
	sim_system_at(HOTPLUG_EVERY);
}

const struct load loads[] = {
	{ "sleepers", "idle; threads sleep 200..600 ms", sleepers_init, nothing, nothing_at_all },
	{ "kernel", "idle; periodic timers that wake nobody",
	  kernel_init, nothing, nothing_at_all },
	{ "rounded", "the same, rounded to seconds", rounded_init, nothing, nothing_at_all },
	{ "pinned", "idle; periodic timers, every other one pinned", pinned_init, nothing,
	  nothing_at_all },
	{ "one-busy", "CPU 0 busy, sleepers elsewhere", one_busy_init, nothing, nothing_at_all },
	{ "bursty", "half busy in bursts, network timeouts", bursty_init, burst_device,
	  nothing_at_all },
	{ "flapping", "idle 0.5 ms, busy 0.2 ms", flapping_init, flap_device, nothing_at_all },
	{ "packets", "timeouts that hardly ever expire", packets_init, packets_device,
	  nothing_at_all },
	{ "hotplug", "sleepers while CPUs come and go", hotplug_init, nothing, hotplug_step },
	{ NULL, NULL, NULL, NULL, NULL },
};

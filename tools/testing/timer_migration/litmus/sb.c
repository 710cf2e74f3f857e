// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two litmus tests that a store buffer can break, on this machine
 *
 * (B) B-drop-duty-pull and (C) C-link-activate: one thread writes x, full
 * barrier, reads y; the other exchanges y, fully ordered, and reads x. Each is
 * run with and without the first thread's barrier. That both miss the other's
 * change must not happen with it. Without it a machine may show it (x86 does,
 * sooner or later) or not: that is counted and said, not judged.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Cells that the threads go through before they are compared */
#define CELLS		4096

/* How often a thread looks whether the other one has come, before it yields */
#define PATIENCE	2000

/**
 * struct cell - One run of a test
 * @x:		the keeper's duty, or the parent; 0 becomes 1
 * @y:		the group's, or the child's, state; 0 becomes 1
 * @saw_y:	what the first thread read
 * @saw_x:	what the second thread read
 */
struct cell {
	_Alignas(64) int	x;
	_Alignas(64) int	y;
	_Alignas(64) int	saw_y;
	_Alignas(64) int	saw_x;
};

/**
 * struct test - A test in one of its forms
 * @name:	the litmus test
 * @release:	x is written with release, as in (C)
 * @fence:	with the barrier
 * @met:	how often each missed the other
 * @runs:	how often it was run
 */
struct test {
	const char	*name;
	bool		release;
	bool		fence;
	uint64_t	met;
	uint64_t	runs;
};

static struct test tests[] = {
	{ .name = "B-drop-duty-pull",		.fence = true },
	{ .name = "B-drop-duty-pull+broken" },
	{ .name = "C-link-activate",		.release = true, .fence = true },
	{ .name = "C-link-activate+broken",	.release = true },
};

static struct cell cells[CELLS];

/* The cell that each thread is at, and the test they run; NULL to end */
static _Alignas(64) unsigned int place[2];
static struct test *current;
static pthread_barrier_t gate;

static void meet(unsigned int me, unsigned int n)
{
	unsigned int spins = 0;

	__atomic_store_n(&place[me], n, __ATOMIC_RELAXED);
	while (__atomic_load_n(&place[!me], __ATOMIC_RELAXED) < n) {
		if (++spins % PATIENCE == 0)
			sched_yield();
	}
}

static void first_side(struct cell *cell, const struct test *test)
{
	if (test->release)
		__atomic_store_n(&cell->x, 1, __ATOMIC_RELEASE);
	else
		__atomic_store_n(&cell->x, 1, __ATOMIC_RELAXED);
	if (test->fence)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cell->saw_y = __atomic_load_n(&cell->y, __ATOMIC_RELAXED);
}

/* A successful exchange of the kernel's is a full barrier before and after */
static void second_side(struct cell *cell)
{
	int old = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_compare_exchange_n(&cell->y, &old, 1, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cell->saw_x = __atomic_load_n(&cell->x, __ATOMIC_ACQUIRE);
}

static void *second_thread(void *arg)
{
	unsigned int n;

	for (;;) {
		pthread_barrier_wait(&gate);
		if (!current)
			return NULL;
		for (n = 0; n < CELLS; n++) {
			meet(1, n + 1);
			second_side(&cells[n]);
		}
		pthread_barrier_wait(&gate);
	}
}

static void run_once(struct test *test)
{
	unsigned int n;

	for (n = 0; n < CELLS; n++)
		cells[n] = (struct cell) { };
	place[0] = place[1] = 0;
	current = test;

	pthread_barrier_wait(&gate);
	for (n = 0; n < CELLS; n++) {
		meet(0, n + 1);
		first_side(&cells[n], test);
	}
	pthread_barrier_wait(&gate);

	for (n = 0; n < CELLS; n++)
		test->met += !cells[n].saw_x && !cells[n].saw_y;
	test->runs += CELLS;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static int report(void)
{
	struct test *test;
	int status = 0;

	for (test = tests; test < tests + sizeof(tests) / sizeof(tests[0]); test++) {
		printf("sb: %-24s met %8" PRIu64 " times in %" PRIu64 "%s\n", test->name, test->met,
		       test->runs, test->fence || test->met ? "" : ", not seen this time");
		if (test->fence && test->met) {
			fprintf(stderr, "sb: %s must never meet\n", test->name);
			status = 1;
		}
	}

	return status;
}

int main(int argc, char **argv)
{
	struct timespec start;
	pthread_t thread;
	double seconds;
	char *end;
	int n;

	errno = 0;
	seconds = argc == 2 ? strtod(argv[1], &end) : -1;
	if (argc != 2 || errno || end == argv[1] || *end || !(seconds > 0 && seconds < 1e6)) {
		fprintf(stderr, "usage: sb SECONDS\n");
		return 2;
	}

	pthread_barrier_init(&gate, NULL, 2);
	if (pthread_create(&thread, NULL, second_thread, NULL)) {
		fprintf(stderr, "sb: no second thread\n");
		return 1;
	}

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		for (n = 0; n < (int)(sizeof(tests) / sizeof(tests[0])); n++)
			run_once(&tests[n]);
	} while (seconds_since(&start) < seconds);

	current = NULL;
	pthread_barrier_wait(&gate);
	pthread_join(thread, NULL);

	return report();
}

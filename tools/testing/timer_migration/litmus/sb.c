// SPDX-License-Identifier: GPL-2.0-only
/*
 * The litmus test that a store buffer can break, on this machine
 *
 * C-adopt-activate: one thread publishes the parent, full barrier, reads the
 * child's state; the other exchanges the state, fully ordered, and reads the
 * parent. It is run with and without the first thread's barrier. That both miss
 * the other's change must not happen with it. Without it a machine may show it
 * (x86 does, sooner or later) or not: that is counted and said, not judged.
 *
 * The locks of the litmus test are left out: on x86 taking one is a barrier.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define __aligned(n)		__attribute__((__aligned__(n)))

/* Cells that the threads go through before they are compared */
#define CELLS		4096

/* How often a thread looks whether the other one has come, before it yields */
#define PATIENCE	2000

/**
 * struct cell - One run of a test
 * @parent:	0 becomes 1
 * @child:	its state, 0 becomes 1
 * @saw_child:	what the first thread read
 * @saw_parent:	what the second thread read
 */
struct cell {
	int	parent __aligned(64);
	int	child __aligned(64);
	int	saw_child __aligned(64);
	int	saw_parent __aligned(64);
};

/**
 * struct test - The test in one of its forms
 * @name:	the litmus test
 * @fence:	with the barrier
 * @met:	how often each missed the other
 * @runs:	how often it was run
 */
struct test {
	const char		*name;
	bool			fence;
	unsigned long long	met;
	unsigned long long	runs;
};

static struct test tests[] = {
	{ .name = "C-adopt-activate",		.fence = true },
	{ .name = "C-adopt-activate+broken" },
};

static struct cell cells[CELLS];

/* The cell that each thread is at, and the test they run; NULL to end */
static unsigned int place[2] __aligned(64);
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
	__atomic_store_n(&cell->parent, 1, __ATOMIC_RELEASE);
	if (test->fence)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cell->saw_child = __atomic_load_n(&cell->child, __ATOMIC_RELAXED);
}

/* A successful exchange of the kernel's is a full barrier before and after */
static void second_side(struct cell *cell)
{
	int old = 0;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	__atomic_compare_exchange_n(&cell->child, &old, 1, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	cell->saw_parent = __atomic_load_n(&cell->parent, __ATOMIC_ACQUIRE);
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
	place[0] = 0;
	place[1] = 0;
	current = test;

	pthread_barrier_wait(&gate);
	for (n = 0; n < CELLS; n++) {
		meet(0, n + 1);
		first_side(&cells[n], test);
	}
	pthread_barrier_wait(&gate);

	for (n = 0; n < CELLS; n++)
		test->met += !cells[n].saw_parent && !cells[n].saw_child;
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

	for (test = tests; test < tests + ARRAY_SIZE(tests); test++) {
		printf("sb: %-24s met %8llu times in %llu%s\n", test->name, test->met, test->runs,
		       test->fence || test->met ? "" : ", not seen this time");
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
	unsigned int n;
	char *end;

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
		for (n = 0; n < ARRAY_SIZE(tests); n++)
			run_once(&tests[n]);
	} while (seconds_since(&start) < seconds);

	current = NULL;
	pthread_barrier_wait(&gate);
	pthread_join(thread, NULL);

	return report();
}

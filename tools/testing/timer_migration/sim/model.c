// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel around an engine: timers, ticks, idle CPUs
 *
 * An event queue with one entry per CPU: the earliest of its clock event
 * device, the end of what it runs, a wake-up by another CPU, a device. One more
 * entry is the system's, for what is no CPU's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define MIN_DELTA	(1 * US)
#define NEXT_MAX_DELTA	((1ULL << 30) - 1)

/* Wheel: 64 buckets per level, each level eight times as coarse */
#define WHEEL_LEVELS	9
#define WHEEL_CLK_SHIFT	3
#define WHEEL_SIZE	64

enum cpu_event { EV_TIMER, EV_DONE, EV_WAKE, EV_DEVICE, NR_EVENTS };

struct timer_base {
	struct timer	**heap;
	unsigned int	nr;
	unsigned int	size;
};

/**
 * struct cpu - A CPU
 * @when:	time of each enum cpu_event, SIM_NEVER for none
 * @next:	the earliest
 * @place:	in the event queue
 * @busy:	it runs something
 * @stopped:	its tick is stopped: the hierarchy knows it as idle
 * @online:	it is
 * @queue:	tasks to run, the first one is running when @busy
 * @base:	its timers
 * @remote:	timers it expired for others
 * @pair:	cost of its last deactivation
 * @pair_lines:	lines it touched
 */
struct cpu {
	uint64_t		when[NR_EVENTS];
	uint64_t		next;
	unsigned int		place;
	bool			busy;
	bool			stopped;
	bool			online;
	struct task		*queue;
	struct timer_base	base[NR_BASES];
	uint64_t		remote;
	struct account_cost	pair;
	struct account_lines	pair_lines;
};

struct topology topology;
struct params params;
struct stats stats;

static struct cpu *cpus;
static unsigned int *queue;
static unsigned int queue_nr;
static unsigned int *llc_busy, *node_busy, all_busy;
static uint64_t now, rng;
static unsigned int this_cpu;
static struct timer *running;
static bool worked;

/* --- Odds and ends --------------------------------------------------------- */

/**
 * sim_now() - The time
 *
 * Return: ns.
 */
uint64_t sim_now(void)
{
	return now;
}

/**
 * sim_this_cpu() - The CPU that runs
 *
 * Return: its number.
 */
unsigned int sim_this_cpu(void)
{
	return this_cpu;
}

/**
 * sim_random() - A random number of 64 bits (splitmix64)
 *
 * Return: the number.
 */
uint64_t sim_random(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/**
 * sim_random_range() - A random number out of some, all equally likely
 * @from:	the lowest
 * @to:		the highest
 *
 * Return: the number.
 */
uint64_t sim_random_range(uint64_t from, uint64_t to)
{
	return from + sim_random() % (to - from + 1);
}

/**
 * sim_random_exp() - Time to the next of events that are independent
 * @mean:	the mean time
 *
 * The logarithm is approximated by a parabola: no libm, the same everywhere.
 *
 * Return: the time, at least 1.
 */
uint64_t sim_random_exp(uint64_t mean)
{
	uint64_t u = sim_random() | 1;
	unsigned int zeros = __builtin_clzll(u);
	double fraction = (double)(u << zeros) / 18446744073709551616.0;
	double x = fraction * 2 - 1;
	double log2u = -(double)zeros - 1 + x * (1.3431 - 0.3431 * x);

	return (uint64_t)(mean * -log2u * 0.6931472) + 1;
}

static uint64_t jiffies(void)
{
	return now / TICK_NS;
}

/**
 * sim_jiffies_update() - As get_jiffies_update()
 * @basej:	becomes the number of ticks
 *
 * Return: time of the last tick (ns).
 */
uint64_t sim_jiffies_update(unsigned long *basej)
{
	*basej = jiffies();
	return jiffies() * TICK_NS;
}

static unsigned int node_of(unsigned int cpu)
{
	return cpu / (topology.nr_cpus / topology.nr_nodes);
}

/**
 * sim_online() - Whether a CPU is online
 * @cpu:	the CPU
 *
 * Return: true if so.
 */
bool sim_online(unsigned int cpu)
{
	return cpus[cpu].online;
}

/**
 * sim_cpu_idle() - As idle_cpu()
 * @cpu:	the CPU
 *
 * Return: true when the CPU runs nothing, with or without its tick.
 */
bool sim_cpu_idle(unsigned int cpu)
{
	return !cpus[cpu].busy;
}

/**
 * sim_any_online() - Some online CPU
 * @but:	not this one
 *
 * Return: the CPU; @but when there is no other.
 */
unsigned int sim_any_online(unsigned int but)
{
	unsigned int i, cpu;

	for (i = 1; i < topology.nr_cpus; i++) {
		cpu = (but + i) % topology.nr_cpus;
		if (cpus[cpu].online)
			return cpu;
	}

	return but;
}

static unsigned int busy_in(unsigned int first, unsigned int nr, unsigned int otherwise)
{
	unsigned int cpu;

	for (cpu = first; cpu < first + nr && cpu < topology.nr_cpus; cpu++) {
		if (cpus[cpu].busy)
			return cpu;
	}

	return otherwise;
}

/**
 * sim_nearest_busy() - As get_nohz_timer_target() on an idle CPU
 * @cpu:	the CPU
 *
 * Return: a CPU that runs something, in the same LLC if possible, else in the
 * same node; @cpu when all are idle.
 */
unsigned int sim_nearest_busy(unsigned int cpu)
{
	unsigned int node_cpus = topology.nr_cpus / topology.nr_nodes;
	unsigned int llc = cpu / topology.llc_cpus, node = node_of(cpu);

	if (llc_busy[llc])
		return busy_in(llc * topology.llc_cpus, topology.llc_cpus, cpu);
	if (node_busy[node])
		return busy_in(node * node_cpus, node_cpus, cpu);
	return all_busy ? busy_in(0, topology.nr_cpus, cpu) : cpu;
}

static void set_busy(unsigned int cpu, bool busy)
{
	int delta = busy - cpus[cpu].busy;

	cpus[cpu].busy = busy;
	llc_busy[cpu / topology.llc_cpus] += delta;
	node_busy[node_of(cpu)] += delta;
	all_busy += delta;
}

/* --- The event queue: a heap of CPUs --------------------------------------- */

static bool queue_before(unsigned int a, unsigned int b)
{
	return cpus[a].next < cpus[b].next || (cpus[a].next == cpus[b].next && a < b);
}

static void queue_put(unsigned int place, unsigned int cpu)
{
	queue[place] = cpu;
	cpus[cpu].place = place;
}

static void queue_sift(unsigned int cpu)
{
	unsigned int place = cpus[cpu].place, child;

	while (place && queue_before(cpu, queue[(place - 1) / 4])) {
		queue_put(place, queue[(place - 1) / 4]);
		place = (place - 1) / 4;
	}

	for (;;) {
		unsigned int best = place * 4 + 1, i;

		if (best >= queue_nr)
			break;
		child = best;
		for (i = child + 1; i < child + 4 && i < queue_nr; i++) {
			if (queue_before(queue[i], queue[best]))
				best = i;
		}
		if (!queue_before(queue[best], cpu))
			break;
		queue_put(place, queue[best]);
		place = best;
	}

	queue_put(place, cpu);
}

static void set_event(unsigned int cpu, enum cpu_event event, uint64_t when)
{
	struct cpu *c = &cpus[cpu];
	unsigned int i;

	c->when[event] = when;
	c->next = SIM_NEVER;
	for (i = 0; i < NR_EVENTS; i++) {
		if (c->when[i] < c->next)
			c->next = c->when[i];
	}
	queue_sift(cpu);
}

/**
 * sim_device_at() - Let load->device() be called
 * @cpu:	on this CPU
 * @when:	at this time (ns)
 */
void sim_device_at(unsigned int cpu, uint64_t when)
{
	set_event(cpu, EV_DEVICE, when);
}

/**
 * sim_system_at() - Let load->system() be called
 * @when:	at this time (ns)
 */
void sim_system_at(uint64_t when)
{
	set_event(topology.nr_cpus, EV_WAKE, when);
}

/* --- Timers ---------------------------------------------------------------- */

static void heap_put(struct timer_base *base, unsigned int slot, struct timer *timer)
{
	base->heap[slot] = timer;
	timer->slot = slot;
}

static void heap_sift(struct timer_base *base, struct timer *timer, unsigned int slot)
{
	while (slot && timer->expires < base->heap[(slot - 1) / 2]->expires) {
		heap_put(base, slot, base->heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}

	for (;;) {
		unsigned int child = slot * 2 + 1;

		if (child + 1 < base->nr &&
		    base->heap[child + 1]->expires < base->heap[child]->expires)
			child++;
		if (child >= base->nr || base->heap[child]->expires >= timer->expires)
			break;
		heap_put(base, slot, base->heap[child]);
		slot = child;
	}

	heap_put(base, slot, timer);
}

static void base_add(struct timer *timer, unsigned int cpu)
{
	struct timer_base *base = &cpus[cpu].base[timer->base];

	if (base->nr == base->size) {
		base->size = base->size ? base->size * 2 : 4;
		base->heap = realloc(base->heap, base->size * sizeof(*base->heap));
		if (!base->heap) {
			fprintf(stderr, "sim: out of memory\n");
			exit(1);
		}
	}
	timer->cpu = cpu;
	timer->queued = true;
	heap_sift(base, timer, base->nr++);
}

/**
 * timer_cancel() - Delete a timer
 * @timer:	the timer, armed or not
 */
void timer_cancel(struct timer *timer)
{
	struct timer_base *base = &cpus[timer->cpu].base[timer->base];
	struct timer *last;

	if (!timer->queued)
		return;

	timer->queued = false;
	last = base->heap[--base->nr];
	if (last != timer)
		heap_sift(base, last, timer->slot);
}

/* Never early: a bucket later than asked for, as calc_index() */
static uint64_t wheel_round(uint64_t expires)
{
	uint64_t delta = expires - jiffies();
	unsigned int level = 0, shift;

	while (level < WHEEL_LEVELS - 1 &&
	       delta >= (uint64_t)(WHEEL_SIZE - 1) << (level * WHEEL_CLK_SHIFT))
		level++;
	shift = level * WHEEL_CLK_SHIFT;

	return ((expires >> shift) + 1) << shift;
}

/**
 * timer_arm_at() - Arm a timer
 * @timer:	the timer; armed by its own function it stays on its CPU
 * @cpu:	the CPU that does so
 * @expires:	tick
 */
void timer_arm_at(struct timer *timer, unsigned int cpu, uint64_t expires)
{
	timer_cancel(timer);
	timer->expires = wheel_round(expires);
	if (timer == running)
		cpu = timer->cpu;
	else if (timer->base == BASE_GLOBAL)
		cpu = engine_target(cpu);
	base_add(timer, cpu);
}

/**
 * timer_arm() - Arm a timer
 * @timer:	the timer
 * @cpu:	the CPU that does so
 * @ticks:	how long from now
 */
void timer_arm(struct timer *timer, unsigned int cpu, uint64_t ticks)
{
	timer_arm_at(timer, cpu, jiffies() + ticks);
}

static uint64_t next_of(const struct timer_base *base)
{
	return base->nr ? base->heap[0]->expires : jiffies() + NEXT_MAX_DELTA;
}

static bool base_due(const struct timer_base *base)
{
	return base->nr && base->heap[0]->expires <= jiffies();
}

static void count_expiry(const struct timer *timer)
{
	uint64_t late = jiffies() - timer->expires;

	stats.expired++;
	stats.late[late < MAX_LATE ? late : MAX_LATE]++;
	if (late > stats.max_late)
		stats.max_late = late;
}

static void run_base(unsigned int cpu, unsigned int which)
{
	struct timer_base *base = &cpus[cpu].base[which];
	unsigned int nr = 0;
	struct timer *timer;

	while (base_due(base)) {
		timer = base->heap[0];
		count_expiry(timer);
		timer_cancel(timer);
		running = timer;
		timer->fn(timer);
		running = NULL;
		nr++;
	}

	if (!nr)
		return;

	worked = true;
	stats.batches++;
	if (cpu != this_cpu) {
		stats.remote += nr;
		cpus[this_cpu].remote += nr;
	}
}

/**
 * sim_expire() - As timer_expire_remote()
 * @cpu:	whose global timers are run
 */
void sim_expire(unsigned int cpu)
{
	run_base(cpu, BASE_GLOBAL);
}

/**
 * struct next_events - As struct timer_events
 * @local:	first event that the CPU wakes for (ns)
 * @global:	first event that the hierarchy may see to (ns)
 * @tick:	the earlier one, in ticks
 */
struct next_events {
	uint64_t	local;
	uint64_t	global;
	uint64_t	tick;
};

/* fetch_next_timer_interrupt() */
static struct next_events fetch_next(unsigned int cpu)
{
	struct next_events next = { .local = SIM_NEVER, .global = SIM_NEVER };
	const struct timer_base *base = cpus[cpu].base;
	uint64_t local = next_of(&base[BASE_LOCAL]), global = next_of(&base[BASE_GLOBAL]);
	bool local_first = local <= global;

	next.tick = local_first ? local : global;

	if (next.tick <= jiffies() + 1) {
		if (next.tick < jiffies())
			next.tick = jiffies();
		next.local = next.tick * TICK_NS;
		if (!local_first)
			next.global = next.local;
		return next;
	}

	if (!local_first && base[BASE_GLOBAL].nr)
		next.global = global * TICK_NS;
	if (base[BASE_LOCAL].nr)
		next.local = local * TICK_NS;

	return next;
}

/**
 * sim_next_global() - As fetch_next_timer_interrupt_remote()
 * @cpu:	the CPU
 * @base_now:	time of the last tick (ns)
 * @basej:	ticks
 *
 * Return: first global expiry (ns), SIM_NEVER for none or when the CPU wakes
 * for a pinned one before.
 */
uint64_t sim_next_global(unsigned int cpu, uint64_t base_now, unsigned long basej)
{
	return fetch_next(cpu).global;
}

/* --- Calls of the engine, with their cost ---------------------------------- */

static void count_pair(struct cpu *c, const struct account_cost *activation)
{
	struct account_cost pair = c->pair;
	uint64_t depth = pair.depth > activation->depth ? pair.depth : activation->depth;

	account_add(&pair, activation);
	pair.ops = 1;
	pair.distinct = c->pair.lines + account_not_in(&c->pair_lines);
	account_add(&stats.pairs[depth < MAX_DEPTH ? depth : MAX_DEPTH], &pair);
}

static void activate(unsigned int cpu, bool woke)
{
	uint64_t outer = account_begin(cpu);
	struct account_cost cost;

	engine_activate(cpu, woke);
	account_end(outer, &cost);
	account_add(&stats.op_activate, &cost);
	count_pair(&cpus[cpu], &cost);
}

static uint64_t deactivate(unsigned int cpu, uint64_t global)
{
	uint64_t outer = account_begin(cpu);
	uint64_t exp;

	exp = engine_deactivate(cpu, global);
	account_end(outer, &cpus[cpu].pair);
	account_touched(&cpus[cpu].pair_lines);
	account_add(&stats.op_deactivate, &cpus[cpu].pair);

	return exp;
}

static uint64_t new_timer(unsigned int cpu, uint64_t global)
{
	uint64_t outer = account_begin(cpu);
	struct account_cost cost;
	uint64_t exp;

	exp = engine_new_timer(cpu, global);
	account_end(outer, &cost);
	account_add(&stats.op_new_timer, &cost);

	return exp;
}

static uint64_t quick_check(unsigned int cpu, uint64_t global)
{
	uint64_t outer = account_begin(cpu);
	struct account_cost cost;
	uint64_t exp;

	exp = engine_quick_check(cpu, global);
	account_end(outer, &cost);
	account_add(&stats.op_quick_check, &cost);

	return exp;
}

static bool must_pull(unsigned int cpu)
{
	uint64_t outer = account_begin(cpu);
	struct account_cost cost;
	bool must;

	must = engine_must_pull(cpu, jiffies() * TICK_NS);
	account_end(outer, &cost);
	account_add(&stats.op_must_pull, &cost);

	return must;
}

static void pull(unsigned int cpu)
{
	uint64_t outer = account_begin(cpu);
	struct account_cost cost;

	engine_pull(cpu, jiffies() * TICK_NS);
	account_end(outer, &cost);
	account_add(&stats.op_pull, &cost);
}

/* --- Idle ------------------------------------------------------------------ */

static uint64_t next_tick(void)
{
	return (jiffies() + 1) * TICK_NS;
}

/* Ticks of different CPUs are not exactly simultaneous */
static uint64_t skew(uint64_t greatest)
{
	return sim_random() % (greatest + 1);
}

static void keep_tick(unsigned int cpu)
{
	set_event(cpu, EV_TIMER, next_tick() + skew(2 * US));
}

static void program(unsigned int cpu, uint64_t when)
{
	if (when == SIM_NEVER) {
		set_event(cpu, EV_TIMER, SIM_NEVER);
		return;
	}
	if (when < now + MIN_DELTA)
		when = now + MIN_DELTA;
	set_event(cpu, EV_TIMER, when + skew(params.latency));
}

/* tick_nohz_next_event() while the tick is stopped */
static void reprogram(unsigned int cpu)
{
	struct next_events next = fetch_next(cpu);
	uint64_t exp;

	if (next.tick > jiffies() + 1) {
		exp = new_timer(cpu, next.global);
		if (exp < next.local)
			next.local = exp;
	}
	program(cpu, next.local);
}

static bool too_soon(uint64_t exp)
{
	return exp <= next_tick();
}

/* tick_nohz_next_event() and timer_base_try_to_set_idle() with a running tick */
static void try_to_stop(unsigned int cpu)
{
	struct next_events next;
	uint64_t exp, forecast;

	if (cpus[cpu].when[EV_TIMER] == SIM_NEVER)
		keep_tick(cpu);
	if (sim_random() % 100 < params.keep_tick)
		return;

	next = fetch_next(cpu);
	if (next.tick <= jiffies() + 1)
		return;

	forecast = quick_check(cpu, next.global);
	if (too_soon(forecast))
		return;

	exp = deactivate(cpu, next.global);
	if (too_soon(exp)) {
		activate(cpu, false);
		return;
	}

	/* tick_nohz_stop_tick() sleeps no longer than the governor was told */
	if (exp > forecast)
		exp = forecast;

	cpus[cpu].stopped = true;
	program(cpu, exp < next.local ? exp : next.local);
}

static void leave_idle(unsigned int cpu)
{
	if (!cpus[cpu].stopped)
		return;

	cpus[cpu].stopped = false;
	activate(cpu, true);
	keep_tick(cpu);
}

/**
 * sim_make_active() - Make a CPU leave idle, as far as the engine is concerned
 * @cpu:	the CPU
 */
void sim_make_active(unsigned int cpu)
{
	unsigned int from = this_cpu;

	this_cpu = cpu;
	leave_idle(cpu);
	this_cpu = from;
}

/**
 * sim_cpu_leaves_idle() - Whether a task waits for a CPU that is idle still
 * @cpu:	the CPU
 *
 * Return: true when the CPU will call engine_activate() without being asked to.
 */
bool sim_cpu_leaves_idle(unsigned int cpu)
{
	return cpus[cpu].stopped && cpus[cpu].queue;
}

/* The end of an interrupt, or of what a CPU ran */
static void schedule(unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];

	if (c->busy || !c->online)
		return;

	if (c->queue) {
		leave_idle(cpu);
		if (c->when[EV_TIMER] == SIM_NEVER)
			keep_tick(cpu);
		set_busy(cpu, true);
		set_event(cpu, EV_DONE,
			  c->queue->run == SIM_NEVER ? SIM_NEVER : now + c->queue->run);
	} else if (c->stopped) {
		reprogram(cpu);
	} else {
		try_to_stop(cpu);
	}
}

/**
 * task_wake() - Wake a task on its CPU
 * @task:	the task, awake or not
 */
void task_wake(struct task *task)
{
	struct cpu *c;
	struct task **end;

	worked = true;
	if (task->queued)
		return;

	if (!cpus[task->cpu].online)
		task->cpu = sim_any_online(task->cpu);
	c = &cpus[task->cpu];

	task->queued = true;
	task->next = NULL;
	for (end = &c->queue; *end; end = &(*end)->next)
		;
	*end = task;

	if (task->cpu == this_cpu || c->busy)
		return;
	if (c->when[EV_WAKE] == SIM_NEVER) {
		stats.kicks += c->stopped;
		set_event(task->cpu, EV_WAKE, now + params.ipi);
	}
}

/* --- Events ---------------------------------------------------------------- */

/* The timer interrupt and, when raised, the timer softirq after it */
static void on_timer(unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];
	bool idle = c->stopped;

	worked = false;
	stats.interrupts++;
	set_event(cpu, EV_TIMER, SIM_NEVER);

	if (base_due(&c->base[BASE_LOCAL]) || base_due(&c->base[BASE_GLOBAL]) ||
	    must_pull(cpu)) {
		run_base(cpu, BASE_LOCAL);
		run_base(cpu, BASE_GLOBAL);
		pull(cpu);
	}

	if (idle) {
		stats.wakeups++;
		stats.nothing += !worked;
	}
	if (c->busy)
		keep_tick(cpu);
	schedule(cpu);
}

static void on_done(unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];
	struct task *task = c->queue;

	set_event(cpu, EV_DONE, SIM_NEVER);
	c->queue = task->next;
	task->queued = false;
	if (task->done)
		task->done(task);

	set_busy(cpu, false);
	if (!c->queue && c->online)
		try_to_stop(cpu);
	else
		schedule(cpu);
}

static void on_wake(unsigned int cpu)
{
	set_event(cpu, EV_WAKE, SIM_NEVER);
	schedule(cpu);
}

static void on_device(unsigned int cpu)
{
	set_event(cpu, EV_DEVICE, SIM_NEVER);
	load->device(cpu);
	schedule(cpu);
}

static struct task *noise_tasks;
static uint64_t next_noise;

static void system_schedule(void)
{
	set_event(topology.nr_cpus, EV_DEVICE, next_noise);
}

/* An hrtimer wakes some kernel thread or daemon */
static void on_noise(void)
{
	unsigned int cpu = sim_random() % topology.nr_cpus;

	next_noise = now + sim_random_exp(SECOND / params.noise);
	system_schedule();
	if (!cpus[cpu].online)
		return;

	this_cpu = cpu;
	stats.interrupts++;
	stats.wakeups += cpus[cpu].stopped;
	noise_tasks[cpu].cpu = cpu;
	noise_tasks[cpu].run = sim_random_exp(params.run);
	task_wake(&noise_tasks[cpu]);
	schedule(cpu);
}

static void dispatch(unsigned int cpu)
{
	struct cpu *c = &cpus[cpu];
	unsigned int event = 0;

	while (c->when[event] != c->next)
		event++;

	if (cpu == topology.nr_cpus) {
		if (event == EV_DEVICE) {
			on_noise();
		} else {
			set_event(cpu, EV_WAKE, SIM_NEVER);
			load->system();
		}
		return;
	}

	this_cpu = cpu;
	switch (event) {
	case EV_TIMER:
		on_timer(cpu);
		break;
	case EV_DONE:
		on_done(cpu);
		break;
	case EV_WAKE:
		on_wake(cpu);
		break;
	default:
		on_device(cpu);
	}
}

/**
 * sim_run() - Let time pass
 * @until:	up to this time (ns)
 */
void sim_run(uint64_t until)
{
	while (cpus[queue[0]].next <= until) {
		now = cpus[queue[0]].next;
		dispatch(queue[0]);
	}
	now = until;
}

/* --- Hotplug --------------------------------------------------------------- */

/**
 * sim_cpu_down() - A CPU goes offline
 * @cpu:	the CPU; its timers and tasks go to another one
 */
void sim_cpu_down(unsigned int cpu)
{
	unsigned int to = sim_any_online(cpu), which;
	struct cpu *c = &cpus[cpu];
	struct timer *timer;
	struct task *task;

	this_cpu = cpu;
	leave_idle(cpu);
	engine_leave(cpu);

	c->online = false;
	set_busy(cpu, false);
	for (which = EV_TIMER; which < NR_EVENTS; which++)
		set_event(cpu, which, SIM_NEVER);

	sim_make_active(to);
	this_cpu = to;
	for (which = 0; which < NR_BASES; which++) {
		while (c->base[which].nr) {
			timer = c->base[which].heap[0];
			timer_cancel(timer);
			base_add(timer, to);
		}
	}
	while ((task = c->queue)) {
		c->queue = task->next;
		task->queued = false;
		task_wake(task);
	}
	schedule(to);
}

/**
 * sim_cpu_up() - A CPU comes online
 * @cpu:	the CPU
 */
void sim_cpu_up(unsigned int cpu)
{
	this_cpu = cpu;
	cpus[cpu].online = true;
	cpus[cpu].stopped = false;
	engine_join(cpu);
	keep_tick(cpu);
}

/* --- Begin and end --------------------------------------------------------- */

static void *zalloc(size_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	if (!memory) {
		fprintf(stderr, "sim: out of memory\n");
		exit(1);
	}
	return memory;
}

/**
 * sim_init() - Begin at time 0, with all CPUs online and nothing to do
 * @seed:	for random numbers
 */
void sim_init(uint64_t seed)
{
	unsigned int nr = topology.nr_cpus, cpu, i;

	rng = seed;
	cpus = zalloc(nr + 1, sizeof(*cpus));
	queue = zalloc(nr + 1, sizeof(*queue));
	noise_tasks = zalloc(nr, sizeof(*noise_tasks));
	llc_busy = zalloc(nr / topology.llc_cpus + 1, sizeof(*llc_busy));
	node_busy = zalloc(topology.nr_nodes, sizeof(*node_busy));

	for (cpu = 0; cpu <= nr; cpu++) {
		for (i = 0; i < NR_EVENTS; i++)
			cpus[cpu].when[i] = SIM_NEVER;
		cpus[cpu].next = SIM_NEVER;
		cpus[cpu].online = cpu < nr;
		queue_put(queue_nr++, cpu);
	}

	account_init(nr, topology.llc_cpus, nr / topology.nr_nodes);
	engine_init(&topology);
	for (cpu = 0; cpu < nr; cpu++)
		set_event(cpu, EV_TIMER, TICK_NS + skew(2 * US));
	next_noise = params.noise ? sim_random_exp(SECOND / params.noise) : SIM_NEVER;
	system_schedule();
}

/**
 * sim_reset_stats() - Begin to measure
 */
void sim_reset_stats(void)
{
	unsigned int cpu;

	memset(&stats, 0, sizeof(stats));
	for (cpu = 0; cpu < topology.nr_cpus; cpu++)
		cpus[cpu].remote = 0;
}

/**
 * sim_overdue() - Timers that should have expired by now, with a tick to spare
 *
 * Return: how many.
 */
uint64_t sim_overdue(void)
{
	unsigned int cpu, which, i;
	uint64_t overdue = 0;

	for (cpu = 0; cpu < topology.nr_cpus; cpu++) {
		for (which = 0; which < NR_BASES; which++) {
			const struct timer_base *base = &cpus[cpu].base[which];

			for (i = 0; i < base->nr; i++)
				overdue += base->heap[i]->expires + 1 < jiffies();
		}
	}

	return overdue;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/**
 * sim_gini() - How unevenly the work of migrators is shared
 *
 * Return: Gini coefficient of the remote expiries: 0 when each CPU did as many
 * as any other, near 1 when one did all.
 */
double sim_gini(void)
{
	uint64_t *remote = zalloc(topology.nr_cpus, sizeof(*remote));
	double sum = 0, weighted = 0, gini;
	unsigned int i, nr = topology.nr_cpus;

	for (i = 0; i < nr; i++)
		remote[i] = cpus[i].remote;
	qsort(remote, nr, sizeof(*remote), compare);
	for (i = 0; i < nr; i++) {
		sum += remote[i];
		weighted += (i + 1.0) * remote[i];
	}
	free(remote);
	gini = sum > 0 ? 2 * weighted / (nr * sum) - (nr + 1.0) / nr : 0;

	return gini;
}

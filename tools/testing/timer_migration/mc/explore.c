// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which CPU goes next: the search
 *
 * Depth first over all choices. A state that was seen before is not looked at
 * again; known are the hashes of the states only. To go back, the world and the
 * stacks are copied back, or, where a stack must not be copied (ASan), the
 * choices are made once more from the start.
 *
 * Reduction: if no other CPU can touch what a CPU is about to access, now or in
 * the rest of its script, the order does not matter, and only that CPU goes on.
 * What a CPU's operations touch is learnt: the search is repeated until it has
 * met nothing but what it reckoned with. Inside operations only, so that no
 * moment is missed in which all CPUs are between two of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mc.h"

#define MC_STACK_KEPT		768
#define MC_PROGRESS		(1 << 20)

/* --- Going back ------------------------------------------------------------------- */

struct mc_snapshot {
	struct mc_world	world;
	u64		stack[MC_CPUS][MC_STACK_KEPT];
};

static struct mc_snapshot mc_start;

static void mc_save(struct mc_snapshot *snapshot)
{
	unsigned int cpu;

	memcpy(&snapshot->world, &mc_world, mc_world_size());
	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (mc_vcpu_stack_used(cpu) > MC_STACK_KEPT)
			mc_fail("cpu%u needs too much stack", cpu);
		mc_vcpu_stack_save(cpu, snapshot->stack[cpu]);
	}
}

/* Groups that were taken since are cleared, as they were */
static void mc_restore(const struct mc_snapshot *snapshot)
{
	size_t size = mc_world_size();
	unsigned int cpu;

	mc_world.nr_groups = snapshot->world.nr_groups;
	memset((char *)&mc_world + mc_world_size(), 0, size - mc_world_size());
	memcpy(&mc_world, &snapshot->world, mc_world_size());
	for (cpu = 0; cpu < mc.nr_cpus; cpu++)
		mc_vcpu_stack_restore(cpu, snapshot->stack[cpu]);
}

static void mc_prepare(void)
{
	mc.ready = false;
	mc.depth = 0;
	mc_host_setup();
	mc_check_step();
	mc_check_quiet();
	mc_vcpu_start_all();
	mc_save(&mc_start);
	mc.ready = true;
}

/* --- One step ------------------------------------------------------------------------ */

static void mc_advance(unsigned int cpu)
{
	if (mc.depth == MC_DEPTH)
		mc_fail("(e) livelock: no end after %u steps", mc.depth);
	mc.choice[mc.depth++] = cpu;
	mc_vcpu_step(cpu);
	mc_check_step();
	if (mc_is_quiet())
		mc_check_quiet();
}

static bool mc_all_done(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (!mc_world.vcpu[cpu].done)
			return false;
	}

	return true;
}

static unsigned int mc_can_run(void)
{
	unsigned int cpu, mask = 0;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (mc_vcpu_can_run(cpu))
			mask |= BIT(cpu);
	}

	return mask;
}

/* Nobody can go on: the end, or not */
static void mc_no_choice(void)
{
	unsigned int cpu;

	if (mc_all_done()) {
		mc_epilogue();
		return;
	}
	for (cpu = 0; mc_world.vcpu[cpu].done; cpu++)
		;
	mc_fail("deadlock: cpu%u waits for ever", cpu);
}

/* --- States that are known ----------------------------------------------------------- */

static struct mc_hash *mc_known;
static u64 mc_known_size, mc_known_used;

static bool mc_same_hash(struct mc_hash one, struct mc_hash other)
{
	return one.low == other.low && one.high == other.high;
}

static struct mc_hash *mc_known_place(struct mc_hash hash)
{
	u64 place = (hash.low ^ hash.high) * 0x9e3779b97f4a7c15;

	for (place >>= 16; ; place++) {
		struct mc_hash *known = &mc_known[place & (mc_known_size - 1)];

		if (mc_same_hash(*known, hash) || mc_same_hash(*known, (struct mc_hash) { }))
			return known;
	}
}

static void mc_known_resize(u64 size)
{
	struct mc_hash *old = mc_known;
	u64 old_size = mc_known_size, i;

	mc_known = calloc(size, sizeof(*mc_known));
	if (!mc_known) {
		fprintf(stderr, "mc: not enough memory for %llu states\n",
			(unsigned long long)size);
		exit(2);
	}
	mc_known_size = size;
	for (i = 0; i < old_size; i++) {
		if (!mc_same_hash(old[i], (struct mc_hash) { }))
			*mc_known_place(old[i]) = old[i];
	}
	free(old);
}

static void mc_known_clear(void)
{
	free(mc_known);
	mc_known = NULL;
	mc_known_size = 0;
	mc_known_used = 0;
	mc_known_resize(1 << 16);
}

/* Returns true when the state is new */
static bool mc_learn_state(struct mc_hash hash)
{
	struct mc_hash *known = mc_known_place(hash);

	if (mc_same_hash(*known, hash))
		return false;

	*known = hash;
	if (++mc_known_used > mc_known_size / 2)
		mc_known_resize(2 * mc_known_size);

	return true;
}

/* --- What operations touch ------------------------------------------------------- */

#define MC_FOOTPRINT_WORDS	((sizeof(struct mc_world) + 63) / 64)

/**
 * struct mc_footprint - What is accessed, a bit per byte of the world
 * @bits:	MC_TOUCHED_READ and MC_TOUCHED_WRITE, less one
 */
struct mc_footprint {
	u64	bits[2][MC_FOOTPRINT_WORDS];
};

/* As met in this round; as reckoned with: by an operation and all after it */
static struct mc_footprint mc_met[MC_CPUS][MC_OPS], mc_reckoned[MC_CPUS][MC_OPS];
static bool mc_surprised;

static bool mc_footprint_has(const struct mc_footprint *footprint, size_t byte, unsigned int how)
{
	return footprint->bits[how - 1][byte / 64] >> byte % 64 & 1;
}

/**
 * mc_touched() - The virtual CPU that runs accesses something
 * @addr:	what
 * @how:	MC_TOUCHED_READ or MC_TOUCHED_WRITE
 */
void mc_touched(const volatile void *addr, unsigned int how)
{
	size_t byte = (const volatile char *)addr - (const volatile char *)&mc_world;
	unsigned int pc = mc_world.vcpu[mc.cpu].pc;

	if (byte >= sizeof(mc_world))
		return;
	mc_met[mc.cpu][pc].bits[how - 1][byte / 64] |= 1UL << byte % 64;
	if (!mc_footprint_has(&mc_reckoned[mc.cpu][pc], byte, how))
		mc_surprised = true;
}

/* What was met is reckoned with in the next round */
static void mc_reckon(void)
{
	struct mc_footprint sum;
	unsigned int cpu, word;
	int pc;

	for (cpu = 0; cpu < MC_CPUS; cpu++) {
		sum = (struct mc_footprint) { };
		for (pc = MC_OPS - 1; pc >= 0; pc--) {
			for (word = 0; word < MC_FOOTPRINT_WORDS; word++) {
				sum.bits[0][word] |= mc_met[cpu][pc].bits[0][word];
				sum.bits[1][word] |= mc_met[cpu][pc].bits[1][word];
			}
			mc_reckoned[cpu][pc] = sum;
		}
	}
}

static bool mc_others_interfere(unsigned int cpu)
{
	const struct mc_vcpu *vcpu = &mc_world.vcpu[cpu];
	size_t byte = (const volatile char *)vcpu->addr - (const volatile char *)&mc_world;
	const struct mc_footprint *footprint;
	unsigned int other;

	if (byte >= sizeof(mc_world))
		return true;
	for (other = 0; other < mc.nr_cpus; other++) {
		if (other == cpu || mc_world.vcpu[other].done)
			continue;
		footprint = &mc_reckoned[other][mc_world.vcpu[other].pc];
		if (mc_footprint_has(footprint, byte, MC_TOUCHED_WRITE))
			return true;
		if (vcpu->kind != TMT_READ &&
		    mc_footprint_has(footprint, byte, MC_TOUCHED_READ))
			return true;
	}

	return false;
}

/* The CPUs between which there is a choice */
static unsigned int mc_reduce(unsigned int mask)
{
	unsigned int cpu;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if ((mask & BIT(cpu)) && mc_world.vcpu[cpu].inside && !mc_others_interfere(cpu))
			return BIT(cpu);
	}

	return mask;
}

/* --- Depth first ----------------------------------------------------------------- */

/**
 * struct mc_frame - A state on the way to the present one
 * @hash:	its hash
 * @snapshot:	a copy of it
 * @todo:	CPUs to be tried
 * @last:	the CPU that went last
 * @preempted:	how often a CPU had to wait for another that it could do without
 */
struct mc_frame {
	struct mc_hash		hash;
	struct mc_snapshot	*snapshot;
	unsigned int		todo;
	u8			last;
	u8			preempted;
};

static struct mc_frame mc_frames[MC_DEPTH + 1];

static bool mc_preempts(const struct mc_frame *frame, unsigned int cpu)
{
	return cpu != frame->last && mc_vcpu_can_run(frame->last) &&
	       mc_world.vcpu[frame->last].inside;
}

static unsigned int mc_affordable(const struct mc_frame *frame, unsigned int mask, int bound)
{
	unsigned int cpu;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (frame->preempted >= bound && mc_preempts(frame, cpu))
			mask &= ~BIT(cpu);
	}

	return mask;
}

static void mc_go_to(unsigned int depth, const struct mc_options *options)
{
	unsigned int step;

	if (options->rerun) {
		mc_restore(&mc_start);
		for (step = 0; step < depth; step++)
			mc_vcpu_step(mc.choice[step]);
	} else {
		mc_restore(mc_frames[depth].snapshot);
	}
	mc.depth = depth;
}

static struct mc_hash mc_state_hash(const struct mc_frame *frame, const struct mc_options *options)
{
	struct mc_hash hash = mc_hash(&mc_world, mc_world_size() / sizeof(u64));

	if (options->preemptions >= 0)
		hash.low += (frame->last + frame->preempted * MC_CPUS + 1) * 0xd1342543de82ef95;

	return hash;
}

static void mc_check_cycle(struct mc_hash hash)
{
	unsigned int depth;

	for (depth = 0; depth < mc.depth; depth++) {
		if (mc_same_hash(mc_frames[depth].hash, hash))
			mc_fail("(e) livelock: the state is the same as after step %u", depth);
	}
}

/* Fills in the frame of the present state; returns false when nobody can go on */
static bool mc_open_frame(struct mc_frame *frame, const struct mc_options *options)
{
	unsigned int mask = mc_can_run();

	if (!mask)
		return false;
	if (options->preemptions >= 0)
		mask = mc_affordable(frame, mask, options->preemptions);
	else if (options->reduce)
		mask = mc_reduce(mask);

	frame->todo = mask;
	if (!options->rerun && (mask & (mask - 1))) {
		if (!frame->snapshot)
			frame->snapshot = malloc(sizeof(*frame->snapshot));
		if (!frame->snapshot) {
			fprintf(stderr, "mc: not enough memory\n");
			exit(2);
		}
		mc_save(frame->snapshot);
	}

	return true;
}

static void mc_progress(const struct mc_options *options, const struct mc_result *result)
{
	if (options->verbose && !(result->states % MC_PROGRESS))
		fprintf(stderr, "%s: %llu states, %llu schedules, depth %u\n", mc.scenario->name,
			(unsigned long long)result->states, (unsigned long long)result->schedules,
			result->depth);
}

/* Make the step from the last frame to a new one, if there is something new */
static bool mc_deepen(unsigned int cpu, const struct mc_options *options,
		      struct mc_result *result)
{
	struct mc_frame *frame = &mc_frames[mc.depth], *next = frame + 1;

	next->preempted = frame->preempted + mc_preempts(frame, cpu);
	next->last = cpu;
	mc_advance(cpu);
	next->hash = mc_state_hash(next, options);
	if (!mc_learn_state(next->hash)) {
		mc_check_cycle(next->hash);
		result->schedules++;
		return false;
	}

	result->states++;
	result->depth = max_t(unsigned int, result->depth, mc.depth);
	mc_progress(options, result);
	if (!mc_open_frame(next, options)) {
		mc_no_choice();
		result->schedules++;
		result->ends++;
		return false;
	}

	return true;
}

/* Returns false when it was given up */
static bool mc_search(const struct mc_options *options, struct mc_result *result)
{
	bool here = true;
	int depth = 0;
	unsigned int cpu;

	*result = (struct mc_result) { .states = 1 };
	mc_known_clear();
	mc_go_to(0, &(struct mc_options) { .rerun = true });
	mc_frames[0].last = 0;
	mc_frames[0].preempted = 0;
	mc_frames[0].hash = mc_state_hash(&mc_frames[0], options);
	mc_learn_state(mc_frames[0].hash);
	if (!mc_open_frame(&mc_frames[0], options))
		mc_no_choice();

	while (depth >= 0) {
		if (!mc_frames[depth].todo) {
			depth--;
			here = false;
			continue;
		}
		if (options->max_states && result->states >= options->max_states)
			return false;
		if (!here)
			mc_go_to(depth, options);

		cpu = __ffs(mc_frames[depth].todo);
		mc_frames[depth].todo &= ~BIT(cpu);
		here = mc_deepen(cpu, options, result);
		if (here)
			depth++;
	}

	return true;
}

static struct mc_result mc_search_all(const struct mc_options *options)
{
	struct mc_result result;
	bool complete;

	memset(mc_met, 0, sizeof(mc_met));
	memset(mc_reckoned, 0, sizeof(mc_reckoned));
	do {
		mc_surprised = false;
		complete = mc_search(options, &result);
		mc_reckon();
	} while (complete && mc_surprised && options->reduce && options->preemptions < 0);
	result.exhausted = complete && options->preemptions < 0;

	return result;
}

/* --- At random ------------------------------------------------------------------- */

static u64 mc_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;

	return *state * 0x2545f4914f6cdd1d >> 32;
}

static unsigned int mc_pick(unsigned int mask, u64 *state)
{
	unsigned int cpu;

	do {
		cpu = mc_random(state) % MC_CPUS;
	} while (!(mask & BIT(cpu)));

	return cpu;
}

/* Rare switches find other things than frequent ones do */
static void mc_random_schedule(u64 *state)
{
	unsigned int rarely = 1 << mc_random(state) % 5;
	unsigned int mask, cpu = 0;

	while ((mask = mc_can_run())) {
		if (!(mask & BIT(cpu)) || !(mc_random(state) % rarely))
			cpu = mc_pick(mask, state);
		mc_advance(cpu);
	}
	mc_no_choice();
}

static struct mc_result mc_search_random(const struct mc_options *options)
{
	u64 state = options->seed * 0x9e3779b97f4a7c15 + 1;
	struct mc_result result = { };

	for (; result.schedules < options->random; result.schedules++) {
		mc_go_to(0, &(struct mc_options) { .rerun = true });
		mc_random_schedule(&state);
		result.states += mc.depth;
		result.depth = max_t(unsigned int, result.depth, mc.depth);
	}

	return result;
}

/**
 * mc_explore() - Look for a schedule that violates an invariant
 * @options:	how
 *
 * Does not return when there is one: it is reported.
 *
 * Return: what was looked at.
 */
struct mc_result mc_explore(const struct mc_options *options)
{
	mc_prepare();

	return options->random ? mc_search_random(options) : mc_search_all(options);
}

/* --- Once more ------------------------------------------------------------------- */

/**
 * mc_play_again() - Make the choices in mc.choice from the start
 *
 * Returns when nothing is violated, or when mc_report() would not see it again.
 */
void mc_play_again(void)
{
	unsigned int step, nr = mc.depth;

	mc.failed = false;
	if (!mc.ready)
		mc_prepare();
	mc_restore(&mc_start);
	for (mc.depth = 0, step = 0; step < nr; step++) {
		if (!mc_vcpu_can_run(mc.choice[step])) {
			mc_report_text("cpu%u cannot run", mc.choice[step]);
			return;
		}
		mc_advance(mc.choice[step]);
	}
	if (!mc_can_run())
		mc_no_choice();
}

/**
 * mc_replay() - Print what happens under the schedule in mc.choice
 */
void mc_replay(void)
{
	unsigned int nr = mc.depth;

	mc_prepare();
	mc.trace = true;
	mc.depth = nr;
	mc_play_again();
}

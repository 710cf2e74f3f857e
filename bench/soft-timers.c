// SPDX-License-Identifier: GPL-2.0
/*
 * soft-timers - what soft hrtimers cost that expire together
 *
 * usage: soft-timers METRIC N
 *	  soft-timers METRIC hard|soft
 *
 * The timers are those of N gates (act_gate of traffic control, not attached to
 * anything) with the same base time and cycle, so all of them expire at once,
 * again and again. Events are traced with the time stamp counter, which counts
 * instructions when an instruction takes a nanosecond of virtual time. One CPU.
 *
 *   hardirq_instructions N
 *	The timer interrupt that finds N soft timers expired; median of CYCLES.
 *
 *   softirq_longest N
 *	The longest run of HRTIMER_SOFTIRQ while they expire.
 *
 *   soft_lateness_p999 N
 *	From the timer interrupt to the callback, of all callbacks of all CYCLES.
 *
 *   hard_lateness_p999 N
 *	HARD_TIMERS hard timers expire one after the other while the soft ones do:
 *	how late the callbacks are, of all HARD_CYCLES. The CPU does not get idle
 *	then, because interrupts are disabled for longer on the way to and from it.
 *	A sample: the timers hit one instruction of about HARD_STEP_NS / HARD_CYCLES.
 *
 *   irqs_off_p999 N
 *	For how long their softirq disables interrupts before the first callback,
 *	between two and after the last, of all times. Nothing else in it makes a
 *	hard timer late. The function tracer shows each, so no sample.
 *
 *   start_cancel_instructions hard|soft
 *	Start a timer which is not the first of its queue, and cancel it.
 *
 *   next_event_instructions hard|soft
 *	Find out what the hardware has to be programmed to, when the first hard
 *	timer is cancelled. The tick is the only other one, or each clock has a
 *	soft timer as well. This is what cancelling it takes more than cancelling
 *	one that is not the first, without programming the hardware.
 *
 * These two use the function graph tracer. Its own share of what it shows is
 * measured with a function of known size and taken off.
 *
 * Prints "METRIC<TAB>X<TAB>VALUE<TAB>UNIT".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_gate.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL

#define CYCLES		5
#define CYCLE_NS	(200 * NSEC_PER_MSEC)
#define AHEAD_NS	(4 * NSEC_PER_SEC)

/* Not in step with anything, so that they meet all of what the softirq does */
#define HARD_CYCLES	200
#define HARD_TIMERS	331
#define HARD_STEP_NS	6007LL

/* Between two ticks, whatever HZ is up to 500: they come at full milliseconds */
#define OFF_TICK_NS	(NSEC_PER_MSEC / 2)

/* A timer that comes before the next tick, most of the time, and is cancelled by then */
#define FIRST_NS	(NSEC_PER_MSEC / 2)

/* Calls of each operation whose instructions are counted */
#define OPS		501

/* umask() is made of as many instructions, most of which only save registers. */
#define LEAF_FUNCTION	"__x64_sys_umask"
#define LEAF_NS		11

/* Another one, called in turns with it */
#define OTHER_FUNCTION	"__x64_sys_personality"

#define TRACING		"/sys/kernel/tracing/"

static void die(const char *what)
{
	fprintf(stderr, "soft-timers: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC, };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

static bool try_write(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | flags);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	return !close(fd) && ok;
}

static void write_file(const char *path, const char *text)
{
	if (!try_write(path, text, O_TRUNC))
		die(path);
}

/* ----- Gates ----- */

struct request {
	struct nlmsghdr	nlh;
	struct tcamsg	tca;
	char		attrs[512];
};

static struct rtattr *put_attr(struct request *req, int type, const void *data, size_t len)
{
	struct rtattr *rta = (struct rtattr *)((char *)req + NLMSG_ALIGN(req->nlh.nlmsg_len));

	rta->rta_type = type;
	rta->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(rta), data, len);
	req->nlh.nlmsg_len = NLMSG_ALIGN(req->nlh.nlmsg_len) + RTA_ALIGN(rta->rta_len);
	return rta;
}

static struct rtattr *begin_nest(struct request *req, int type)
{
	return put_attr(req, type | NLA_F_NESTED, NULL, 0);
}

static void end_nest(struct request *req, struct rtattr *nest)
{
	nest->rta_len = (char *)req + req->nlh.nlmsg_len - (char *)nest;
}

static void ask_kernel(int nl, const struct request *req)
{
	struct {
		struct nlmsghdr	nlh;
		struct nlmsgerr	err;
		char		more[4096];
	} answer;

	if (send(nl, req, req->nlh.nlmsg_len, 0) < 0)
		die("send");
	if (recv(nl, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.nlh))
		die("recv");
	if (answer.nlh.nlmsg_type == NLMSG_ERROR && answer.err.error) {
		errno = -answer.err.error;
		die("gate");
	}
}

static void open_gate(int nl, unsigned int index, int32_t clock, uint64_t base_time)
{
	struct tc_gate parms = { .index = index, .action = TC_ACT_PIPE, };
	uint32_t interval = CYCLE_NS;
	uint64_t cycle = CYCLE_NS;
	struct request req = {
		.nlh = {
			.nlmsg_len	= NLMSG_LENGTH(sizeof(struct tcamsg)),
			.nlmsg_type	= RTM_NEWACTION,
			.nlmsg_flags	= NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
		},
		.tca.tca_family = AF_UNSPEC,
	};
	struct rtattr *tab, *action, *options, *list, *entry;

	tab = begin_nest(&req, TCA_ACT_TAB);
	action = begin_nest(&req, 1);
	put_attr(&req, TCA_ACT_KIND, "gate", sizeof("gate"));
	options = begin_nest(&req, TCA_ACT_OPTIONS);
	put_attr(&req, TCA_GATE_PARMS, &parms, sizeof(parms));
	put_attr(&req, TCA_GATE_BASE_TIME, &base_time, sizeof(base_time));
	put_attr(&req, TCA_GATE_CYCLE_TIME, &cycle, sizeof(cycle));
	put_attr(&req, TCA_GATE_CLOCKID, &clock, sizeof(clock));
	list = begin_nest(&req, TCA_GATE_ENTRY_LIST);
	entry = begin_nest(&req, TCA_GATE_ONE_ENTRY);
	put_attr(&req, TCA_GATE_ENTRY_GATE, NULL, 0);
	put_attr(&req, TCA_GATE_ENTRY_INTERVAL, &interval, sizeof(interval));
	end_nest(&req, entry);
	end_nest(&req, list);
	end_nest(&req, options);
	end_nest(&req, action);
	end_nest(&req, tab);

	ask_kernel(nl, &req);
}

/* One gate, or with index 0 all gates of this kernel */
static void close_gates(int nl, uint32_t index)
{
	struct request req = {
		.nlh = {
			.nlmsg_len	= NLMSG_LENGTH(sizeof(struct tcamsg)),
			.nlmsg_type	= RTM_DELACTION,
			.nlmsg_flags	= NLM_F_REQUEST | NLM_F_ACK | (index ? 0 : NLM_F_ROOT),
		},
		.tca.tca_family = AF_UNSPEC,
	};
	struct rtattr *tab, *action;

	tab = begin_nest(&req, TCA_ACT_TAB);
	action = begin_nest(&req, 1);
	put_attr(&req, TCA_ACT_KIND, "gate", sizeof("gate"));
	if (index)
		put_attr(&req, TCA_ACT_INDEX, &index, sizeof(index));
	end_nest(&req, action);
	end_nest(&req, tab);
	ask_kernel(nl, &req);
}

/* ----- Trace ----- */

static const char *const run_events[] = {
	"irq_vectors/local_timer_entry", "irq_vectors/local_timer_exit",
	"irq/softirq_raise", "irq/softirq_entry", "irq/softirq_exit", NULL,
};

static const char *const softirq_events[] = {
	"irq/softirq_entry", "irq/softirq_exit", NULL,
};

#define LOCK_IRQ	"_raw_spin_lock_irq"
#define UNLOCK_IRQ	"_raw_spin_unlock_irqrestore"

static const char *const lock_functions[] = {
	LOCK_IRQ, LOCK_IRQ "save", UNLOCK_IRQ, NULL,
};

#define EXPIRY_EVENT	"timer/hrtimer_expire_entry"

static const char *const expiry_events[] = { EXPIRY_EVENT, NULL, };

static void enable_events(const char *const *events)
{
	char path[128];

	for (; *events; events++) {
		snprintf(path, sizeof(path), TRACING "events/%s/enable", *events);
		write_file(path, "1");
	}
}

static int64_t *values;
static size_t nr_values, space;

static void add_value(int64_t value)
{
	if (nr_values == space) {
		space = space ? 2 * space : 1024;
		values = realloc(values, space * sizeof(*values));
		if (!values)
			die("realloc");
	}
	values[nr_values++] = value;
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int64_t quantile(double q)
{
	size_t rank = nr_values * q;

	if (!nr_values) {
		fprintf(stderr, "soft-timers: nothing was traced\n");
		exit(1);
	}
	qsort(values, nr_values, sizeof(*values), compare);
	return values[rank < nr_values ? rank : nr_values - 1];
}

enum metric { HARDIRQ, SOFTIRQ, SOFT_LATENESS, HARD_LATENESS, IRQS_OFF, };

/* "TASK-PID [CPU] FLAGS TIMESTAMP: TEXT" */
static bool parse_stamp(char *line, int64_t *ts, char **text)
{
	char *colon = strstr(line, ": "), *begin = colon;

	if (line[0] == '#' || !colon)
		return false;
	while (begin > line && begin[-1] != ' ')
		begin--;
	*ts = strtoll(begin, NULL, 10);
	*text = colon + 2;
	return true;
}

/* The text is "EVENT: ..." */
static bool parse_line(char *line, int64_t *ts, char **event, char **rest)
{
	char *colon;

	if (!parse_stamp(line, ts, event))
		return false;
	colon = strchr(*event, ':');
	if (!colon)
		return false;
	*colon = '\0';
	*rest = colon + 1;
	return true;
}

/*
 * They expire in their order. All cycles are alike but for the hard timers, which
 * come a little later in each.
 */
static int64_t hard_after(unsigned int i)
{
	return i / HARD_TIMERS * (CYCLE_NS + HARD_STEP_NS / HARD_CYCLES) +
		i % HARD_TIMERS * HARD_STEP_NS;
}

/* The time that the interrupt has read, from "... now=TIME" */
static int64_t read_now(const char *text)
{
	const char *now = strstr(text, "now=");

	return now ? strtoll(now + strlen("now="), NULL, 10) : 0;
}

/*
 * Time stamps and the clock run at nearly the same rate. What they differ by is
 * found anew for each cycle, from the callback that followed most closely on the
 * interrupt's look at the clock.
 */
static void judge_hard_timer(unsigned int i, int64_t ts, int64_t now, int64_t due)
{
	static int64_t late[HARD_TIMERS], offset;
	unsigned int in_cycle = i % HARD_TIMERS;

	if (!in_cycle || ts - now < offset)
		offset = ts - now;
	late[in_cycle] = ts - due;
	if (in_cycle < HARD_TIMERS - 1)
		return;
	for (i = 0; i < HARD_TIMERS; i++)
		add_value(late[i] - offset);
}

/* Without its beginning, expiries would be taken for those of other timers */
static void check_trace_is_whole(void)
{
	FILE *stats = fopen(TRACING "per_cpu/cpu0/stats", "r");
	unsigned long overrun;
	char line[128];
	bool known = false;

	if (!stats)
		die("per_cpu/cpu0/stats");
	while (!known && fgets(line, sizeof(line), stats))
		known = sscanf(line, "overrun: %lu", &overrun) == 1;
	fclose(stats);
	if (known && !overrun)
		return;
	fprintf(stderr, "soft-timers: events were lost: the buffer of the trace is too small\n");
	exit(1);
}

/* @hard_first: when the first hard timer was due */
static void judge_trace(enum metric metric, int64_t hard_first)
{
	int64_t ts, interrupt = 0, found = 0, begun = 0;
	bool raised = false, in_interrupt = false;
	unsigned int nr_hard = 0;
	FILE *trace = fopen(TRACING "trace", "r");
	char line[512], *event, *rest;

	if (!trace)
		die("trace");
	while (fgets(line, sizeof(line), trace)) {
		bool ours;

		if (!parse_line(line, &ts, &event, &rest))
			continue;
		ours = !!strstr(rest, "vec=8 ");
		if (!strcmp(event, "local_timer_entry")) {
			interrupt = ts;
			raised = false;
			in_interrupt = true;
		} else if (!strcmp(event, "softirq_raise") && ours && in_interrupt) {
			if (!raised)
				found = interrupt;
			raised = true;
		} else if (!strcmp(event, "local_timer_exit")) {
			in_interrupt = false;
			if (metric == HARDIRQ && raised)
				add_value(ts - interrupt);
		} else if (!strcmp(event, "softirq_entry") && ours) {
			begun = ts;
		} else if (!strcmp(event, "softirq_exit") && ours) {
			if (metric == SOFTIRQ)
				add_value(ts - begun);
		} else if (!strcmp(event, "hrtimer_expire_entry")) {
			if (metric == SOFT_LATENESS && strstr(rest, "gate_timer_func"))
				add_value(ts - found);
			if (metric == HARD_LATENESS && strstr(rest, "timerfd_tmrproc")) {
				judge_hard_timer(nr_hard, ts, read_now(rest),
						 hard_first + hard_after(nr_hard));
				nr_hard++;
			}
		}
	}
	fclose(trace);
}

/* The third of the flags tells the context */
static bool in_hard_interrupt(const char *line)
{
	const char *flags = strstr(line, "] ");

	return flags && strchr("hH", flags[4]);
}

/*
 * The text is "FUNCTION <-CALLER", or an event. Only the softirq's own calls count;
 * it locks its base with either function and unlocks it always with the same one.
 */
static void judge_irqs_off(int64_t tracer)
{
	FILE *trace = fopen(TRACING "trace", "r");
	int64_t ts, disabled = 0;
	bool running = false;
	char line[512], *text;

	if (!trace)
		die("trace");
	while (fgets(line, sizeof(line), trace)) {
		if (!parse_stamp(line, &ts, &text) || in_hard_interrupt(line))
			continue;
		if (!strncmp(text, "softirq_", strlen("softirq_")) && strstr(text, "vec=8 ")) {
			running = !strncmp(text, "softirq_entry", strlen("softirq_entry"));
			disabled = 0;
		} else if (running && !strncmp(text, LOCK_IRQ, strlen(LOCK_IRQ))) {
			disabled = ts;
		} else if (running && !strncmp(text, UNLOCK_IRQ, strlen(UNLOCK_IRQ)) && disabled) {
			add_value(ts - disabled - tracer);
			disabled = 0;
		}
	}
	fclose(trace);
}

static const struct {
	const char	*name;
	enum metric	metric;
	bool		expiries;
	unsigned int	cycles;
	double		quantile;
	const char	*unit;
} metrics[] = {
	{ "hardirq_instructions",	HARDIRQ,	false,	CYCLES,	0.5,	"instructions", },
	{ "softirq_longest",		SOFTIRQ,	false,	CYCLES,	1,	"instructions", },
	{ "soft_lateness_p999",		SOFT_LATENESS,	true,	CYCLES,	0.999,	"ns", },
	{ "hard_lateness_p999",		HARD_LATENESS,	true,	HARD_CYCLES, 0.999,	"ns", },
	{ "irqs_off_p999",		IRQS_OFF,	false,	CYCLES,	0.999,	"instructions", },
};

enum { NR_METRICS = sizeof(metrics) / sizeof(*metrics) };

static void set_timer(int fd, int64_t expiry)
{
	struct itimerspec its = {
		.it_value	= {
			.tv_sec		= expiry / NSEC_PER_SEC,
			.tv_nsec	= expiry % NSEC_PER_SEC,
		},
	};

	if (timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL))
		die("timerfd_settime");
}

/* The time at which all gates expire first, after the last one was opened */
static int64_t open_gates(int nl, unsigned int nr)
{
	int64_t first = (now_ns() / CYCLE_NS + 1) * CYCLE_NS + AHEAD_NS + OFF_TICK_NS;
	unsigned int i;

	for (i = 1; i <= nr; i++)
		open_gate(nl, i, CLOCK_MONOTONIC, first);
	if (now_ns() > first) {
		fprintf(stderr, "soft-timers: %u gates take too long\n", nr);
		exit(1);
	}
	return first;
}

static void report(const char *metric, const char *x, int64_t value, const char *unit)
{
	printf("%s\t%s\t%lld\t%s\n", metric, x, (long long)value, unit);
}

static void start_hard_timers(int64_t first)
{
	struct rlimit files = { HARD_CYCLES * HARD_TIMERS + 64, HARD_CYCLES * HARD_TIMERS + 64, };

	if (setrlimit(RLIMIT_NOFILE, &files))
		die("setrlimit");
	for (unsigned int i = 0; i < HARD_CYCLES * HARD_TIMERS; i++) {
		int fd = timerfd_create(CLOCK_MONOTONIC, 0);

		if (fd < 0)
			die("timerfd_create");
		set_timer(fd, first + hard_after(i));
	}
	if (now_ns() > first) {
		fprintf(stderr, "soft-timers: %u hard timers take too long\n",
			HARD_CYCLES * HARD_TIMERS);
		exit(1);
	}
}

/* Traces @functions with one of ftrace's tracers, of this task or of all */
static void trace_functions(const char *tracer, bool all, const char *const *functions)
{
	unsigned int found = 0;
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "current_tracer", "nop");
	write_file(TRACING "set_ftrace_filter", "\n");
	for (; *functions; functions++)
		found += try_write(TRACING "set_ftrace_filter", *functions, O_APPEND);
	if (!found)
		die("set_ftrace_filter");
	write_file(TRACING "set_ftrace_pid", all ? "\n" : pid);
	write_file(TRACING "max_graph_depth", "1");
	write_file(TRACING "buffer_size_kb", "16384");
	write_file(TRACING "trace", "\n");
	write_file(TRACING "current_tracer", tracer);
	write_file(TRACING "tracing_on", "1");
}

/* From one call of LEAF_FUNCTION to the next, while @functions are traced */
static int64_t between_leaves(const char *const *functions)
{
	int64_t ts, last = 0;
	char line[512], *text;
	FILE *trace;

	trace_functions("function", false, functions);
	for (unsigned int i = 0; i < OPS; i++) {
		umask(022);
		personality(~0UL);
	}
	write_file(TRACING "tracing_on", "0");
	trace = fopen(TRACING "trace", "r");
	if (!trace)
		die("trace");
	nr_values = 0;
	while (fgets(line, sizeof(line), trace)) {
		if (!parse_stamp(line, &ts, &text) ||
		    strncmp(text, LEAF_FUNCTION, strlen(LEAF_FUNCTION)))
			continue;
		if (last)
			add_value(ts - last);
		last = ts;
	}
	fclose(trace);
	return quantile(0.5);
}

/* What the function tracer takes for one call: its share of the time between two */
static int64_t function_tracer_ns(void)
{
	static const char *const leaf[] = { LEAF_FUNCTION, NULL, };
	static const char *const both[] = { LEAF_FUNCTION, OTHER_FUNCTION, NULL, };

	return between_leaves(both) - between_leaves(leaf);
}

static void measure_irqs_off(unsigned int m, int nl, const char *x)
{
	int64_t first, tracer;

	write_file(TRACING "trace_clock", "x86-tsc");
	tracer = function_tracer_ns();

	first = open_gates(nl, atol(x));
	trace_functions("function", true, lock_functions);
	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "buffer_size_kb", "65536");
	enable_events(softirq_events);
	sleep_until(first - 100 * NSEC_PER_MSEC);
	write_file(TRACING "trace", "\n");
	write_file(TRACING "tracing_on", "1");
	sleep_until(first + (metrics[m].cycles - 1) * CYCLE_NS + 100 * NSEC_PER_MSEC);
	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "events/enable", "0");
	close_gates(nl, 0);

	check_trace_is_whole();
	nr_values = 0;
	judge_irqs_off(tracer);
	report(metrics[m].name, x, quantile(metrics[m].quantile), metrics[m].unit);
}

/*
 * Whatever else wants the CPU comes first, such as ksoftirqd, when it was left
 * something to do.
 */
static void be_last(void)
{
	struct sched_param none = { };

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		die("sched_setscheduler");
}

/* @first: the first of the hard timers of the first cycle */
static void keep_busy_beside(int64_t first)
{
	for (unsigned int i = 0; i < HARD_CYCLES * HARD_TIMERS; i += HARD_TIMERS) {
		int64_t begin = first + hard_after(i);
		int64_t end = begin + (HARD_TIMERS + 1) * HARD_STEP_NS;

		sleep_until(begin - NSEC_PER_MSEC / 4);
		while (now_ns() < end)
			;
	}
}

static void measure_expiry(unsigned int m, int nl, const char *x)
{
	int64_t first;

	write_file(TRACING "trace_clock", "x86-tsc");
	write_file(TRACING "buffer_size_kb", "65536");
	/* Nothing else: what is traced with interrupts disabled makes hard timers late */
	if (metrics[m].metric != HARD_LATENESS)
		enable_events(run_events);
	if (metrics[m].expiries)
		enable_events(expiry_events);

	first = open_gates(nl, atol(x));
	if (metrics[m].metric == HARD_LATENESS) {
		write_file(TRACING "events/" EXPIRY_EVENT "/filter",
			   "function.function == timerfd_tmrproc");
		start_hard_timers(first + HARD_STEP_NS);
		be_last();
	}

	sleep_until(first - 100 * NSEC_PER_MSEC);
	write_file(TRACING "tracing_on", "1");
	if (metrics[m].metric == HARD_LATENESS)
		keep_busy_beside(first + HARD_STEP_NS);
	sleep_until(first + (metrics[m].cycles - 1) * CYCLE_NS + 100 * NSEC_PER_MSEC);
	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "events/enable", "0");
	close_gates(nl, 0);

	check_trace_is_whole();
	judge_trace(metrics[m].metric, first + HARD_STEP_NS);
	report(metrics[m].name, x, quantile(metrics[m].quantile), metrics[m].unit);
}

/* ----- Instructions of a function ----- */

/* " 0)   1.234 us    |  umask();", with a mark in front of long durations. */
static bool parse_call(const char *line, const char **name, int64_t *ns)
{
	const char *bar = strchr(line, '|'), *unit = strstr(line, " us "), *number = unit;

	if (!bar || !unit || unit > bar || !strstr(bar, "();"))
		return false;
	while (number > line && strchr("0123456789.", number[-1]))
		number--;
	*ns = strtod(number, NULL) * 1000 + 0.5;
	*name = bar + 1 + strspn(bar + 1, " ");
	return true;
}

/*
 * Median of what the calls take whose names begin with @name. With @after, only
 * the first call after one of that name.
 */
static int64_t median_of_calls(const char *name, const char *after)
{
	FILE *trace = fopen(TRACING "trace", "r");
	bool wanted = !after;
	const char *called;
	char line[512];
	int64_t ns;

	write_file(TRACING "tracing_on", "0");
	if (!trace)
		die("trace");
	nr_values = 0;
	while (fgets(line, sizeof(line), trace)) {
		if (!parse_call(line, &called, &ns))
			continue;
		if (after && !strncmp(called, after, strlen(after))) {
			wanted = true;
			continue;
		}
		if (!wanted || strncmp(called, name, strlen(name)))
			continue;
		add_value(ns);
		wanted = !after;
	}
	fclose(trace);
	if (nr_values < OPS / 2) {
		fprintf(stderr, "soft-timers: only %zu calls of %s were traced\n", nr_values, name);
		exit(1);
	}
	return quantile(0.5);
}

/* The tracer's own share of what it shows */
static int64_t tracer_ns(void)
{
	static const char *const functions[] = { LEAF_FUNCTION, NULL, };
	unsigned int i;

	trace_functions("function_graph", false, functions);
	for (i = 0; i < OPS; i++)
		umask(022);
	return median_of_calls(LEAF_FUNCTION, NULL) - LEAF_NS;
}

#define START	"hrtimer_start_range_ns"
#define CANCEL	"hrtimer_try_to_cancel"
#define PROGRAM	"tick_program_event"

static const char *const start_and_cancel[] = {
	START, START "_user", CANCEL, NULL,
};

static void start_and_cancel_hard(int fd, int64_t ahead)
{
	unsigned int i;

	for (i = 0; i < OPS; i++) {
		set_timer(fd, now_ns() + ahead);
		set_timer(fd, 0);
	}
}

static void start_and_cancel_soft(int nl, int64_t expiry)
{
	unsigned int i;

	for (i = 0; i < OPS; i++) {
		open_gate(nl, 2, CLOCK_MONOTONIC, expiry);
		close_gates(nl, 2);
	}
}

/* Wherever a timer is queued, another one comes first. */
static void measure_start_cancel(const char *metric, int nl, int fd, const char *x)
{
	int64_t tracer = tracer_ns(), begin = now_ns(), start, cancel;

	open_gate(nl, 1, CLOCK_MONOTONIC, begin + 1000 * NSEC_PER_SEC);
	trace_functions("function_graph", false, start_and_cancel);
	if (!strcmp(x, "hard"))
		start_and_cancel_hard(fd, 2000 * NSEC_PER_SEC);
	else
		start_and_cancel_soft(nl, begin + 2000 * NSEC_PER_SEC);
	start = median_of_calls(START, NULL);
	cancel = median_of_calls(CANCEL, START);
	close_gates(nl, 0);
	report(metric, x, start + cancel - 2 * tracer, "instructions");
}

static void measure_next_event(const char *metric, int nl, int fd, const char *x)
{
	static const char *const program[] = { PROGRAM, NULL, };
	static const int32_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI,
	};
	int64_t tracer = tracer_ns(), first, other, hardware;
	unsigned int i;

	for (i = 0; !strcmp(x, "soft") && i < sizeof(clocks) / sizeof(*clocks); i++) {
		struct timespec ts;

		clock_gettime(clocks[i], &ts);
		open_gate(nl, 1 + i, clocks[i], (ts.tv_sec + 1000) * NSEC_PER_SEC);
	}

	trace_functions("function_graph", false, start_and_cancel);
	start_and_cancel_hard(fd, 2000 * NSEC_PER_SEC);
	other = median_of_calls(CANCEL, START);

	/* Earlier than the next tick, most of the time */
	trace_functions("function_graph", false, start_and_cancel);
	start_and_cancel_hard(fd, FIRST_NS);
	first = median_of_calls(CANCEL, START);

	trace_functions("function_graph", false, program);
	start_and_cancel_hard(fd, FIRST_NS);
	hardware = median_of_calls(PROGRAM, NULL) - tracer;

	close_gates(nl, 0);
	report(metric, x, first - other - hardware, "instructions");
}

static bool is_kind(const char *x)
{
	return !strcmp(x, "hard") || !strcmp(x, "soft");
}

int main(int argc, char **argv)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, };
	const char *metric = argc == 3 ? argv[1] : "", *x = argc == 3 ? argv[2] : "";
	unsigned int m = 0;
	int nl, fd;

	while (m < NR_METRICS && strcmp(metric, metrics[m].name))
		m++;
	if (m < NR_METRICS ? atol(x) < 1 : !is_kind(x)) {
		fprintf(stderr, "usage: soft-timers METRIC N, or soft-timers METRIC hard|soft\n");
		return 2;
	}

	nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (nl < 0 || bind(nl, (struct sockaddr *)&address, sizeof(address)))
		die("netlink");
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	if (fd < 0)
		die("timerfd_create");

	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "current_tracer", "nop");
	write_file(TRACING "events/enable", "0");
	write_file(TRACING "trace", "\n");

	if (m < NR_METRICS && metrics[m].metric == IRQS_OFF) {
		measure_irqs_off(m, nl, x);
	} else if (m < NR_METRICS) {
		measure_expiry(m, nl, x);
	} else if (!strcmp(metric, "start_cancel_instructions")) {
		measure_start_cancel(metric, nl, fd, x);
	} else if (!strcmp(metric, "next_event_instructions")) {
		measure_next_event(metric, nl, fd, x);
	} else {
		fprintf(stderr, "soft-timers: unknown metric %s\n", metric);
		return 2;
	}
	return 0;
}

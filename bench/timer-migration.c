// SPDX-License-Identifier: GPL-2.0
/*
 * timer-migration - what timers of idle CPUs cost, and how late they are
 *
 * usage: timer-migration COMMAND X
 *
 *   idle THREADS
 *	THREADS threads on every CPU block with timeouts of 200 to 600 ms in the
 *	timer wheel, which are global timers; nothing else runs. After a while:
 *	idle_interrupts_per_s	local timer interrupts of all CPUs
 *	idle_ipis_per_s		reschedule and function call interrupts
 *	interrupts_per_expiry	timer interrupts per timeout
 *	interrupts_for_nothing_percent
 *				of the timer interrupts that found the tick
 *				stopped, those that did nothing; see judge().
 *				Left out if there were hardly any.
 *	Without threads it is idle_ipis_per_s, idle_interrupts_per_s only of those
 *	which found an hrtimer due, and early_interrupts_per_s for the others.
 *
 *   idle_pair DEPTH
 *	CPU 0 wakes up and goes idle again over and over, one other CPU spins,
 *	the rest sleeps. DEPTH says how far away the spinning CPU is: 1 in the
 *	same group, 2 in another, 3 in another group of groups.
 *	idle_pair_instructions	what the hierarchy executes for one activation
 *				and one deactivation of a CPU without timers
 *	idle_pair_timer_instructions
 *				the same of a CPU with a global timer
 *	idle_pair_groups	groups that change in one deactivation
 *
 *   timer_ops SHIFT
 *	enqueue_instructions, modify_instructions, delete_instructions:
 *	mod_timer() of an idle and of a pending timer, and timer_delete(), on
 *	the keepalive timer of a TCP connection.
 *
 *   lateness SECONDS, lateness_stalled SECONDS
 *	Threads on all CPUs but the first two as for "idle". CPU 0 and CPU 1
 *	spin, so that somebody can always expire the others' timers.
 *	remote_lateness_p50, _p99, _p999, _max: ticks from the time that a
 *	timer was due to its callback. When stalled, CPU 0 has its interrupts
 *	disabled for 100 of every 400 ms.
 *
 *   trace THREADS SECONDS
 *	Print the trace that "idle" judges.
 *
 *   judge FILE
 *	Judge such a trace, with the words of idle-wakeups.py.
 *
 * Prints "METRIC<TAB>X<TAB>VALUE<TAB>UNIT". Instructions are nanoseconds of a
 * guest in which an instruction takes 2^SHIFT of them, divided by that; the
 * environment has SHIFT in ICOUNT_SHIFT.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(x)	(sizeof(x) / sizeof((x)[0]))

#define NSEC_PER_SEC	1000000000LL

#define TRACING		"/sys/kernel/tracing/"

/* Timeouts are spread over 0.5 to 1.5 periods. */
#define PERIOD_MS	400

/* What the load of one cell should come to, and how long that may take */
#define EXPIRIES	6000
#define EXPIRIES_TRACED	2500

/* The busier the system, the fewer interrupts find a CPU idle: longer, up to a point */
#define TRACED_SECONDS	10
#define EXPIRIES_TRACED_MAX	20000

#define SECONDS_MAX	600
#define SECONDS_MIN	5

/*
 * Without load, most interrupts are due to the clock event device, which reaches no
 * further than 34 s: a hundred of them on each CPU, so that its phase does not count.
 */
#define SECONDS_IDLE	3440

/* Several periods, until everybody's phase is a matter of chance */
#define SECONDS_SETTLE	2

/* A share of fewer interrupts than this says nothing. */
#define INTERRUPTS_JUDGED_MIN	50

/* Trace buffers of all CPUs together */
#define TRACE_KB	(96 << 10)

/* Iterations of a few instructions that a busy CPU does in its turn */
#define SPINS_PER_TURN	2000

/* Pairs of activation and deactivation, calls of each timer operation */
#define PAIRS		101
#define OPS		501

/* umask() is made of as many instructions, most of which only save registers. */
#define LEAF_FUNCTION	"__x64_sys_umask"
#define LEAF_NS		(11 * ns_per_instruction())

static noreturn void die(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "timer-migration: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

static void die_errno(const char *what)
{
	die("%s: %s", what, strerror(errno));
}

static long smaller(long a, long b)
{
	return a < b ? a : b;
}

static long larger(long a, long b)
{
	return a > b ? a : b;
}

static void *allocate(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	if (!p)
		die_errno("calloc");
	return p;
}

static long nr_cpus(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void sleep_ns(int64_t ns)
{
	struct timespec ts = {
		.tv_sec	 = ns / NSEC_PER_SEC,
		.tv_nsec = ns % NSEC_PER_SEC,
	};

	nanosleep(&ts, NULL);
}

static void report(const char *metric, const char *x, double value, const char *unit)
{
	printf("%s\t%s\t%.10g\t%s\n", metric, x, value, unit);
}

/* Rounded, so that the last digits of a table mean something */
static double rounded(double value, double to)
{
	return (int64_t)(value / to + 0.5) * to;
}

static void pin_to(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die_errno("sched_setaffinity");
}

/* --- Files of the kernel ------------------------------------------------- */

static bool try_write(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static void write_file(const char *name, const char *text)
{
	if (!try_write(name, text))
		die_errno(name);
}

/* Empties what O_TRUNC empties: buffers and filters of the tracer */
static void truncate_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_TRUNC);

	if (fd < 0)
		die_errno(name);
	close(fd);
}

static void write_number(const char *name, long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", number);
	write_file(name, text);
}

/* The watchdog wakes every CPU every four seconds: no part of what is measured */
static void quiet_system(void)
{
	try_write("/proc/sys/kernel/watchdog", "0");
}

/* All CPUs' interrupts of one kind, by its name in /proc/interrupts */
static long count_interrupts(const char *name)
{
	FILE *file = fopen("/proc/interrupts", "r");
	static char line[16384];
	long sum = -1;

	if (!file)
		die_errno("/proc/interrupts");
	while (sum < 0 && fgets(line, sizeof(line), file)) {
		char *p = line + strspn(line, " "), *end;
		long count;

		if (strncmp(p, name, strlen(name)) || p[strlen(name)] != ':')
			continue;
		sum = 0;
		for (p += strlen(name) + 1; count = strtol(p, &end, 10), end != p; p = end)
			sum += count;
	}
	fclose(file);
	if (sum < 0)
		die("/proc/interrupts does not have %s", name);
	return sum;
}

static long ipis(void)
{
	return count_interrupts("RES") + count_interrupts("CAL");
}

/* --- The load: threads with global timers -------------------------------- */

struct waiter {
	unsigned int	seed;
	long		expiries;
};

/*
 * recv() with a timeout ends in schedule_timeout(), which queues a timer on
 * this CPU that any CPU may expire.
 */
static void *wait_forever(void *arg)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct waiter *w = arg;
	char c;

	if (fd < 0)
		die_errno("socket");

	for (;;) {
		struct timeval tv = { };
		int ms;

		w->seed = w->seed * 1103515245 + 12345;
		ms = PERIOD_MS / 2 + (w->seed >> 8) % PERIOD_MS;
		tv.tv_usec = ms * 1000;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
		recv(fd, &c, 1, 0);
		__atomic_fetch_add(&w->expiries, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void start_thread(long cpu, void *(*function)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	errno = pthread_create(&thread, &attr, function, arg);
	if (errno)
		die_errno("pthread_create");
	pthread_attr_destroy(&attr);
}

/* Threads on every CPU from @first on; returns all of them */
static struct waiter *start_load(long first, long per_cpu)
{
	long i, cpus = nr_cpus() - first, nr = cpus * per_cpu;
	struct rlimit files = { nr + 64, nr + 64, };
	struct waiter *waiters = allocate(nr + 1, sizeof(*waiters));

	/* The kernel's own limit goes by the memory, of which guests have little. */
	write_number("/proc/sys/kernel/threads-max", nr + 4096);
	if (setrlimit(RLIMIT_NOFILE, &files))
		die_errno("setrlimit");
	for (i = 0; i < nr; i++) {
		waiters[i].seed = (i + 1) * 2654435761u;
		start_thread(first + i % cpus, wait_forever, &waiters[i]);
	}
	return waiters;
}

static long count_expiries(struct waiter *waiters, long nr)
{
	long i, sum = 0;

	for (i = 0; i < nr; i++)
		sum += __atomic_load_n(&waiters[i].expiries, __ATOMIC_RELAXED);
	return sum;
}

static void pause_cpu(void)
{
#if __has_builtin(__builtin_ia32_pause)
	__builtin_ia32_pause();
#endif
}

/*
 * In virtual time all CPUs take turns on one of the host's. A CPU that does not
 * pause has its turn for 100 ms, and whatever the others are to do is late. One
 * that does nothing but pause costs the host a turn of all CPUs each time.
 */
static void *spin_forever(void *arg)
{
	for (;;) {
		int i;

		for (i = 0; i < SPINS_PER_TURN; i++)
			__asm__ volatile("");
		pause_cpu();
	}
	return arg;
}

/* --- Events -------------------------------------------------------------- */

enum event_type {
	EV_INTERRUPT,
	EV_HRTIMER,
	EV_TIMER,
	EV_WORK,
	EV_TICK_STOPPED,
	EV_TICK_RUNS,
	EV_OTHER,
};

struct event {
	uint8_t		type;
	uint8_t		function;
};

struct cpu_events {
	struct event	*events;
	long		nr;
	long		room;
};

struct log {
	struct cpu_events	*cpus;
	long			nr_cpus;
	long			nr_events;
	/* Functions of hrtimers, and how often each was seen */
	char			*function[256];
	long			count[256];
	int			nr_functions;
};

static int function_index(struct log *log, const char *args)
{
	const char *name = strstr(args, "function=");
	size_t length;
	int i;

	name = name ? name + strlen("function=") : "";
	length = strcspn(name, "\n ");
	for (i = 0; i < log->nr_functions; i++) {
		if (strlen(log->function[i]) == length &&
		    !strncmp(log->function[i], name, length))
			return i;
	}
	if (i == ARRAY_SIZE(log->function))
		die("too many functions of hrtimers");
	log->function[i] = strndup(name, length);
	return log->nr_functions++;
}

static bool named(const char *event, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(event, name, length) && event[length] == ':';
}

static void parse_event(struct log *log, struct event *e, const char *text)
{
	e->type = EV_OTHER;
	if (named(text, "local_timer_entry")) {
		e->type = EV_INTERRUPT;
	} else if (named(text, "hrtimer_expire_entry")) {
		e->type = EV_HRTIMER;
		e->function = function_index(log, text);
		log->count[e->function]++;
	} else if (named(text, "timer_expire_entry")) {
		e->type = EV_TIMER;
	} else if (named(text, "sched_wakeup")) {
		e->type = EV_WORK;
	} else if (named(text, "tick_stop")) {
		e->type = strstr(text, "success=1") ? EV_TICK_STOPPED : EV_TICK_RUNS;
	} else if (named(text, "tmigr_cpu_active")) {
		e->type = EV_TICK_RUNS;
	} else if (named(text, "sched_switch") && strstr(text, " prev_pid=0 ")) {
		e->type = EV_TICK_RUNS;
	}
}

/*
 * "  comm-PID  [CPU] flags  seconds.fraction: event: arguments". Returns the
 * event's name, or NULL for anything else.
 */
static const char *parse_line(const char *line, long *cpu)
{
	const char *p = line, *name;
	char *end;

	while ((p = strstr(p, " ["))) {
		*cpu = strtol(p + 2, &end, 10);
		if (end > p + 2 && !strncmp(end, "] ", 2))
			break;
		p += 2;
	}
	if (!p)
		return NULL;
	name = strstr(end, ": ");
	return name ? name + 2 : NULL;
}

static void add_line(struct log *log, const char *line)
{
	struct cpu_events *c;
	const char *text;
	long cpu;

	if (*line == '#')
		return;
	text = parse_line(line, &cpu);
	if (!text || cpu >= 8192)
		return;
	if (cpu >= log->nr_cpus) {
		log->cpus = realloc(log->cpus, (cpu + 1) * sizeof(*log->cpus));
		if (!log->cpus)
			die_errno("realloc");
		memset(log->cpus + log->nr_cpus, 0,
		       (cpu + 1 - log->nr_cpus) * sizeof(*log->cpus));
		log->nr_cpus = cpu + 1;
	}
	c = &log->cpus[cpu];
	if (c->nr == c->room) {
		c->room = larger(2 * c->room, 1024);
		c->events = realloc(c->events, c->room * sizeof(*c->events));
		if (!c->events)
			die_errno("realloc");
	}
	parse_event(log, &c->events[c->nr++], text);
	log->nr_events++;
}

static void read_log(struct log *log, const char *name)
{
	FILE *file = fopen(name, "r");
	static char line[4096];

	if (!file)
		die_errno(name);
	while (fgets(line, sizeof(line), file))
		add_line(log, line);
	fclose(file);
}

struct verdict {
	long	interrupts;
	long	tick_running;
	long	useful;
	long	for_nothing;
	long	early;
	long	wheel_expiries;
};

/* Was any hrtimer due? If not, the device's range was over, or the timer is gone */
static bool interrupt_early(const struct cpu_events *c, long i)
{
	for (i++; i < c->nr && c->events[i].type != EV_INTERRUPT; i++) {
		if (c->events[i].type == EV_HRTIMER)
			return false;
	}
	return true;
}

/* Did anything happen before the next interrupt? */
static bool interrupt_worked(const struct cpu_events *c, long i, int tick)
{
	for (i++; i < c->nr && c->events[i].type != EV_INTERRUPT; i++) {
		switch (c->events[i].type) {
		case EV_TIMER:
		case EV_WORK:
			return true;
		case EV_HRTIMER:
			if (c->events[i].function != tick)
				return true;
			break;
		}
	}
	return false;
}

static void judge_cpu(const struct cpu_events *c, int tick, struct verdict *v)
{
	bool stopped = false;
	long i;

	for (i = 0; i < c->nr; i++) {
		switch (c->events[i].type) {
		case EV_TICK_STOPPED:
			stopped = true;
			break;
		case EV_TICK_RUNS:
			stopped = false;
			break;
		case EV_TIMER:
			v->wheel_expiries++;
			break;
		case EV_INTERRUPT:
			v->interrupts++;
			if (!stopped)
				v->tick_running++;
			else if (interrupt_worked(c, i, tick))
				v->useful++;
			else
				v->for_nothing++;
			v->early += interrupt_early(c, i);
			break;
		}
	}
}

/*
 * A timer interrupt that finds its CPU's tick stopped is useful when, before the
 * next one on that CPU, some timer expires, a remote CPU's timers are handled or
 * a task is woken; the tick's own hrtimer, whose function is seen most often,
 * does not count. The rest woke the CPU for nothing; early is how many of all found
 * no hrtimer due.
 */
static struct verdict judge(const struct log *log)
{
	struct verdict v = { };
	int i, tick = -1;
	long cpu;

	for (i = 0; i < log->nr_functions; i++) {
		if (tick < 0 || log->count[i] > log->count[tick])
			tick = i;
	}
	for (cpu = 0; cpu < log->nr_cpus; cpu++)
		judge_cpu(&log->cpus[cpu], tick, &v);
	return v;
}

/* Of the interrupts of idle CPUs */
static double nothing_percent(const struct verdict *v)
{
	return rounded(100.0 * v->for_nothing / (v->useful + v->for_nothing), 0.01);
}

/* In the words of idle-wakeups.py */
static void print_verdict(FILE *file, const struct verdict *v)
{
	fprintf(file, "interrupts=%ld tick_running=%ld from_stopped_tick=%ld useful=%ld ",
		v->interrupts, v->tick_running, v->useful + v->for_nothing, v->useful);
	fprintf(file, "for_nothing=%ld wheel_expiries=%ld\n", v->for_nothing, v->wheel_expiries);
}

static int judge_file(char **arg)
{
	struct log log = { };
	struct verdict v;

	read_log(&log, arg[0]);
	if (!log.nr_events)
		die("no trace events in %s", arg[0]);
	v = judge(&log);
	print_verdict(stdout, &v);
	return 0;
}

/* --- Tracing ------------------------------------------------------------- */

static const char * const judged_events[] = {
	"irq_vectors/local_timer_entry",
	"timer/timer_expire_entry",
	"timer/hrtimer_expire_entry",
	"timer/tick_stop",
	"sched/sched_wakeup",
	"sched/sched_switch",
};

/* Absent where the kernel has no hierarchy */
static const char * const judged_migration_events[] = {
	"timer_migration/tmigr_cpu_active",
};

static bool try_enable(const char *event)
{
	char name[128];

	snprintf(name, sizeof(name), TRACING "events/%s/enable", event);
	return try_write(name, "1");
}

static void enable_event(const char *event)
{
	if (!try_enable(event))
		die_errno(event);
}

static void enable_judged_events(void)
{
	size_t i;

	write_file(TRACING "events/sched/sched_switch/filter", "prev_pid == 0");
	for (i = 0; i < ARRAY_SIZE(judged_events); i++)
		enable_event(judged_events[i]);
	for (i = 0; i < ARRAY_SIZE(judged_migration_events); i++)
		try_enable(judged_migration_events[i]);
}

static void prepare_tracing(void)
{
	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "current_tracer", "nop");
	write_file(TRACING "events/enable", "0");
	write_number(TRACING "buffer_size_kb", TRACE_KB / nr_cpus());
	truncate_file(TRACING "trace");
}

/* Every event of a log counts: none may have been overwritten. */
static void check_overrun(long cpu)
{
	char name[128], line[128];
	long lost;
	FILE *file;

	snprintf(name, sizeof(name), TRACING "per_cpu/cpu%ld/stats", cpu);
	file = fopen(name, "r");
	if (!file)
		die_errno(name);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "overrun: %ld", &lost) == 1 && lost)
			die("the trace buffer of CPU %ld is too small", cpu);
	}
	fclose(file);
}

static void trace_for(int64_t ns)
{
	long cpu;

	write_file(TRACING "tracing_on", "1");
	sleep_ns(ns);
	write_file(TRACING "tracing_on", "0");
	for (cpu = 0; cpu < nr_cpus(); cpu++)
		check_overrun(cpu);
}

static void read_trace(void (*function)(const char *line, void *arg), void *arg)
{
	static char name[128], line[4096];
	FILE *file;
	long cpu;

	for (cpu = 0; cpu < nr_cpus(); cpu++) {
		snprintf(name, sizeof(name), TRACING "per_cpu/cpu%ld/trace", cpu);
		file = fopen(name, "r");
		if (!file)
			die_errno(name);
		while (fgets(line, sizeof(line), file)) {
			if (*line != '#')
				function(line, arg);
		}
		fclose(file);
	}
}

static void log_line(const char *line, void *arg)
{
	add_line(arg, line);
}

/* --- idle ---------------------------------------------------------------- */

static int64_t window_seconds(long expiries, long threads)
{
	int64_t seconds;

	seconds = expiries * PERIOD_MS / 1000 / (nr_cpus() * threads);
	return smaller(larger(seconds, SECONDS_MIN), SECONDS_MAX);
}

static int64_t trace_seconds(long threads)
{
	int64_t seconds = smaller(TRACED_SECONDS, window_seconds(EXPIRIES_TRACED_MAX, threads));

	return larger(seconds, window_seconds(EXPIRIES_TRACED, threads));
}

/*
 * Without threads almost all interrupts are those of clock event devices whose range
 * is over. How many CPUs have such a device is chance: it is switched off where nothing
 * at all is pending.
 */
static int run_idle_alone(const char *x)
{
	int64_t seconds = SECONDS_IDLE;
	long other_interrupts;
	struct log log = { };
	struct verdict v;

	sleep_ns(SECONDS_SETTLE * NSEC_PER_SEC);
	other_interrupts = ipis();
	trace_for(seconds * NSEC_PER_SEC);
	other_interrupts = ipis() - other_interrupts;
	read_trace(log_line, &log);
	v = judge(&log);

	report("idle_interrupts_per_s", x,
	       rounded((double)(v.interrupts - v.early) / seconds, 0.001), "/s");
	report("early_interrupts_per_s", x, rounded((double)v.early / seconds, 0.001), "/s");
	report("idle_ipis_per_s", x, rounded((double)other_interrupts / seconds, 0.001), "/s");
	fprintf(stderr, "%s: in %lld s ", x, (long long)seconds);
	print_verdict(stderr, &v);
	return 0;
}

static int run_idle(char **arg)
{
	long per_cpu = atol(arg[0]), nr = per_cpu * nr_cpus();
	int64_t window = window_seconds(EXPIRIES, nr / nr_cpus()) * NSEC_PER_SEC;
	long expiries, timer_interrupts, other_interrupts;
	struct waiter *waiters;
	struct log log = { };
	struct verdict v;
	double seconds;
	int64_t start;
	char x[32];

	snprintf(x, sizeof(x), "%ld/%ld", nr_cpus(), per_cpu);
	quiet_system();
	prepare_tracing();
	enable_judged_events();
	if (!per_cpu)
		return run_idle_alone(x);
	waiters = start_load(0, per_cpu);
	sleep_ns(SECONDS_SETTLE * NSEC_PER_SEC);

	expiries = count_expiries(waiters, nr);
	timer_interrupts = count_interrupts("LOC");
	other_interrupts = ipis();
	start = now_ns();
	sleep_ns(window);
	timer_interrupts = count_interrupts("LOC") - timer_interrupts;
	other_interrupts = ipis() - other_interrupts;
	expiries = count_expiries(waiters, nr) - expiries;
	seconds = (double)(now_ns() - start) / NSEC_PER_SEC;

	trace_for(trace_seconds(per_cpu) * NSEC_PER_SEC);
	read_trace(log_line, &log);
	v = judge(&log);

	report("idle_interrupts_per_s", x, rounded(timer_interrupts / seconds, 0.01), "/s");
	report("idle_ipis_per_s", x, rounded(other_interrupts / seconds, 0.01), "/s");
	if (expiries)
		report("interrupts_per_expiry", x,
		       rounded((double)timer_interrupts / expiries, 0.001), "");
	if (v.useful + v.for_nothing >= INTERRUPTS_JUDGED_MIN)
		report("interrupts_for_nothing_percent", x, nothing_percent(&v), "%");
	fprintf(stderr, "%s: %ld expiries in %.0f s; then ", x, expiries, seconds);
	print_verdict(stderr, &v);
	return 0;
}

static void print_line(const char *line, void *arg)
{
	fputs(line, arg);
}

static int run_trace(char **arg)
{
	long per_cpu = atol(arg[0]);

	if (!arg[1])
		die("trace THREADS SECONDS");
	quiet_system();
	prepare_tracing();
	enable_judged_events();
	try_enable("timer_migration");
	start_load(0, per_cpu);
	sleep_ns(3 * NSEC_PER_SEC);
	trace_for(atof(arg[1]) * NSEC_PER_SEC);
	read_trace(print_line, stdout);
	return 0;
}

/* --- Instructions -------------------------------------------------------- */

static int compare_numbers(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct samples {
	double	*value;
	long	nr;
	long	room;
};

static void add_sample(struct samples *s, double value)
{
	if (s->nr == s->room) {
		s->room = larger(2 * s->room, 1024);
		s->value = realloc(s->value, s->room * sizeof(*s->value));
		if (!s->value)
			die_errno("realloc");
	}
	s->value[s->nr++] = value;
}

/* The sample which @fraction of all do not exceed */
static double quantile(struct samples *s, double fraction)
{
	long i = fraction * s->nr;

	if (!s->nr)
		die("no samples");
	qsort(s->value, s->nr, sizeof(*s->value), compare_numbers);
	return s->value[smaller(i, s->nr - 1)];
}

static double ns_per_instruction(void)
{
	const char *shift = getenv("ICOUNT_SHIFT");

	if (!shift)
		die("ICOUNT_SHIFT is not set: instructions can only be counted in virtual time");
	return 1 << atoi(shift);
}

static bool filter_function(const char *name)
{
	int fd = open(TRACING "set_ftrace_filter", O_WRONLY | O_APPEND);
	char line[64];
	int len;
	bool ok;

	if (fd < 0)
		die_errno(TRACING "set_ftrace_filter");
	/* A word that does not end is looked up when nobody asks for the result */
	len = snprintf(line, sizeof(line), "%s\n", name);
	ok = write(fd, line, len) == len;
	return !close(fd) && ok;
}

static void start_graph_tracer(void)
{
	write_file(TRACING "max_graph_depth", "1");
	write_file(TRACING "current_tracer", "function_graph");
	write_file(TRACING "tracing_on", "1");
}

static void stop_graph_tracer(void)
{
	write_file(TRACING "tracing_on", "0");
}

/*
 * " 0)   1.234 us    |  mod_timer();", with a mark in front of long durations.
 * Only calls that traced nothing else are of use. Returns the function's name.
 */
static const char *parse_call(const char *line, double *ns)
{
	static char name[64];
	const char *bar = strchr(line, '|'), *unit = strstr(line, " us ");
	const char *start;

	if (!bar || !unit || unit > bar)
		return NULL;
	for (start = unit; start > line && strchr("0123456789.", start[-1]); start--)
		;
	*ns = atof(start) * 1000;
	if (sscanf(bar + 1, " %63[A-Za-z0-9_]", name) != 1 || !strstr(bar, "();"))
		return NULL;
	return name;
}

struct calls {
	const char	*name;
	struct samples	samples;
};

static void call_line(const char *line, void *arg)
{
	struct calls *calls = arg;
	const char *name;
	double ns;

	name = parse_call(line, &ns);
	if (name && !strcmp(name, calls->name))
		add_sample(&calls->samples, ns);
}

/* The tracer's own share of what it shows, from a function of known size */
static double tracer_ns(void)
{
	struct calls calls = { .name = LEAF_FUNCTION, };
	int i;

	prepare_tracing();
	if (!filter_function(LEAF_FUNCTION))
		die("cannot trace " LEAF_FUNCTION);
	start_graph_tracer();
	for (i = 0; i < OPS; i++)
		umask(022);
	stop_graph_tracer();
	read_trace(call_line, &calls);
	if (calls.samples.nr < OPS)
		die("only %ld calls of " LEAF_FUNCTION " were traced", calls.samples.nr);
	write_file(TRACING "current_tracer", "nop");
	truncate_file(TRACING "set_ftrace_filter");
	return quantile(&calls.samples, 0.5) - LEAF_NS;
}

/* Sums of what was traced between activations */
struct pairs {
	double		tracer_ns;
	double		sum;
	bool		complete;
	struct samples	samples;
};

static void pair_line(const char *line, void *arg)
{
	struct pairs *p = arg;
	const char *name;
	double ns;
	int cpu;

	name = parse_call(line, &ns);
	if (!name || sscanf(line, " %d)", &cpu) != 1 || cpu)
		return;
	p->sum += ns - p->tracer_ns;
	if (strcmp(name, "tmigr_cpu_activate"))
		return;
	if (p->complete)
		add_sample(&p->samples, p->sum);
	p->complete = true;
	p->sum = 0;
}

/* A global timer that is far away */
static void *wait_long(void *arg)
{
	struct timeval tv = { .tv_sec = 1000, };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char c;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	recv(fd, &c, 1, 0);
	return arg;
}

/*
 * This thread wakes CPU 0 by an hrtimer, which is no business of the hierarchy.
 * It sleeps for some ticks: the first one of an idle CPU has to come before the
 * tick is stopped, and the next event must not be near then.
 */
static void wake_and_sleep(int times)
{
	while (times--)
		sleep_ns(30 * 1000 * 1000);
}

static void measure_pairs(const char *metric, const char *x, double tracer)
{
	static const char * const functions[] = {
		"tmigr_cpu_activate", "tmigr_cpu_deactivate", "tmigr_cpu_new_timer",
	};
	struct pairs pairs = { .tracer_ns = tracer, };
	double scale = ns_per_instruction();
	int found = 0;
	size_t i;

	prepare_tracing();
	for (i = 0; i < ARRAY_SIZE(functions); i++)
		found += filter_function(functions[i]);
	if (!found) {
		/* Timers are pushed: there is no hierarchy */
		report(metric, x, 0, "instructions");
		return;
	}
	if (found < (int)ARRAY_SIZE(functions))
		die("only %d of the hierarchy's functions can be traced", found);
	start_graph_tracer();
	wake_and_sleep(PAIRS + 1);
	stop_graph_tracer();
	read_trace(pair_line, &pairs);
	if (pairs.samples.nr < PAIRS / 2)
		die("only %ld pairs were traced", pairs.samples.nr);
	report(metric, x, rounded(quantile(&pairs.samples, 0.5) / scale, 1), "instructions");
}

static void count_groups(const char *line, void *arg)
{
	long *counts = arg;

	if (!strstr(line, " [000] ") && !strstr(line, " [0000] "))
		return;
	counts[0] += !!strstr(line, ": tmigr_group_set_cpu_inactive: ");
	counts[1] += !!strstr(line, ": tmigr_cpu_idle: ");
}

static void measure_groups(const char *x)
{
	long counts[2] = { };

	prepare_tracing();
	if (!try_enable("timer_migration/tmigr_group_set_cpu_inactive")) {
		report("idle_pair_groups", x, 0, "groups");
		return;
	}
	enable_event("timer_migration/tmigr_cpu_idle");
	write_file(TRACING "tracing_on", "1");
	wake_and_sleep(PAIRS);
	write_file(TRACING "tracing_on", "0");
	read_trace(count_groups, counts);
	if (!counts[1])
		die("CPU 0 was never idle");
	report("idle_pair_groups", x, rounded((double)counts[0] / counts[1], 0.01), "groups");
}

static int idle_pair(char **arg)
{
	/* Groups are of eight, and CPUs join them in their order. */
	static const int spinner[] = { 0, 1, 8, 64, };
	long depth = atol(arg[0]);
	double tracer;

	if (depth < 1 || depth > 3 || spinner[depth] >= nr_cpus())
		die("no depth %s with %ld CPUs", arg[0], nr_cpus());
	quiet_system();
	pin_to(0);
	tracer = tracer_ns();
	start_thread(spinner[depth], spin_forever, NULL);
	sleep_ns(NSEC_PER_SEC / 5);

	measure_pairs("idle_pair_instructions", arg[0], tracer);
	start_thread(0, wait_long, NULL);
	sleep_ns(NSEC_PER_SEC / 20);
	write_file(TRACING "current_tracer", "nop");
	measure_pairs("idle_pair_timer_instructions", arg[0], tracer);
	measure_groups(arg[0]);
	return 0;
}

/* --- Timer operations ---------------------------------------------------- */

static void loopback_up(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { .ifr_name = "lo", };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr))
		die_errno("lo");
	ifr.ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		die_errno("lo");
	close(fd);
}

/* One end of an established TCP connection */
static int tcp_connection(void)
{
	struct sockaddr_in address = {
		.sin_family	 = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int listener, fd;

	loopback_up();
	listener = socket(AF_INET, SOCK_STREAM, 0);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || fd < 0 ||
	    bind(listener, (struct sockaddr *)&address, length) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&address, &length) ||
	    connect(fd, (struct sockaddr *)&address, length))
		die_errno("TCP connection");
	return fd;
}

static void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		die_errno("setsockopt");
}

enum operation { ENQUEUE, MODIFY, DELETE, };

/* Every traced call is an operation of the kind that is measured. */
static void operate(int fd, enum operation operation, const char *metric, const char *x,
		    double tracer)
{
	struct calls calls = { .name = operation == DELETE ? "timer_delete" : "mod_timer", };
	int i;

	prepare_tracing();
	truncate_file(TRACING "set_ftrace_filter");
	if (!filter_function(calls.name))
		die("cannot trace %s", calls.name);
	write_number(TRACING "set_ftrace_pid", getpid());
	start_graph_tracer();
	for (i = 0; i < OPS; i++) {
		if (operation == MODIFY) {
			/* Far enough apart to change levels of the wheel */
			set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, i % 2 ? 60 : 7200);
		} else {
			set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 0);
			set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
		}
	}
	stop_graph_tracer();
	read_trace(call_line, &calls);
	if (calls.samples.nr < OPS / 2)
		die("only %ld calls of %s were traced", calls.samples.nr, calls.name);
	report(metric, x, rounded((quantile(&calls.samples, 0.5) - tracer) / ns_per_instruction(),
				  1), "instructions");
	write_file(TRACING "current_tracer", "nop");
}

static int timer_ops(char **arg)
{
	double tracer;
	int fd;

	quiet_system();
	pin_to(0);
	tracer = tracer_ns();
	fd = tcp_connection();
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	operate(fd, ENQUEUE, "enqueue_instructions", arg[0], tracer);
	operate(fd, MODIFY, "modify_instructions", arg[0], tracer);
	operate(fd, DELETE, "delete_instructions", arg[0], tracer);
	return 0;
}

/* --- Lateness ------------------------------------------------------------ */

static void lateness_line(const char *line, void *arg)
{
	const char *now = strstr(line, " now="), *due = strstr(line, " baseclk=");

	if (!now || !due || !strstr(line, "function=process_timeout "))
		return;
	/* Both are 32 or 64 bits wide and may wrap. */
	add_sample(arg, (double)(long)(strtoul(now + 5, NULL, 10) -
				       strtoul(due + 9, NULL, 10)));
}

/* A busy CPU 0 that has its interrupts disabled every now and then */
static pid_t start_stalls(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die_errno("fork");
	if (!pid) {
		pin_to(0);
		execlp("insmod", "insmod", "/lib/test_lockup.ko", "disable_irq=1",
		       "reacquire_locks=1", "time_nsecs=100000000", "cooldown_nsecs=300000000",
		       "iterations=1000000", "state=R", "touch_softlockup=1", NULL);
		_exit(127);
	}
	return pid;
}

static void measure_lateness(long seconds, const char *metric, bool stalled)
{
	static const struct {
		const char	*name;
		double		fraction;
	} quantiles[] = {
		{ "p50", 0.5, }, { "p99", 0.99, }, { "p999", 0.999, }, { "max", 1, },
	};
	struct samples samples = { };
	pid_t stalls = 0;
	char name[64], x[16];
	size_t i;

	if (nr_cpus() < 4)
		die("needs four CPUs");
	snprintf(x, sizeof(x), "%ld", nr_cpus());
	quiet_system();
	prepare_tracing();
	pin_to(2);
	/* The first to spin becomes the migrator of its group. */
	if (stalled)
		stalls = start_stalls();
	else
		start_thread(0, spin_forever, NULL);
	sleep_ns(NSEC_PER_SEC / 2);
	if (stalls && waitpid(stalls, NULL, WNOHANG) == stalls)
		die("the module test_lockup cannot be had");
	start_thread(1, spin_forever, NULL);
	start_load(2, 4);
	sleep_ns(2 * NSEC_PER_SEC);

	enable_event("timer/timer_expire_entry");
	trace_for(seconds * NSEC_PER_SEC);
	if (stalls)
		kill(stalls, SIGKILL);
	read_trace(lateness_line, &samples);
	for (i = 0; i < ARRAY_SIZE(quantiles); i++) {
		snprintf(name, sizeof(name), "%s_%s", metric, quantiles[i].name);
		report(name, x, quantile(&samples, quantiles[i].fraction), "ticks");
	}
	fprintf(stderr, "%s: %ld timers in %ld s\n", metric, samples.nr, seconds);
}

static int lateness(char **arg)
{
	measure_lateness(atol(arg[0]), "remote_lateness", false);
	return 0;
}

static int lateness_stalled(char **arg)
{
	measure_lateness(atol(arg[0]), "remote_lateness_stalled", true);
	return 0;
}

static const struct {
	const char	*name;
	int		(*run)(char **arg);
} commands[] = {
	{ "idle",		run_idle,			},
	{ "idle_pair",		idle_pair,		},
	{ "timer_ops",		timer_ops,		},
	{ "lateness",		lateness,		},
	{ "lateness_stalled",	lateness_stalled,	},
	{ "trace",		run_trace,		},
	{ "judge",		judge_file,		},
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 2 && i < ARRAY_SIZE(commands); i++) {
		int status;

		if (strcmp(argv[1], commands[i].name))
			continue;
		status = commands[i].run(argv + 2);
		fflush(stdout);
		/* Threads that never end need not be waited for. */
		_exit(status);
	}
	fprintf(stderr, "usage: timer-migration COMMAND X, COMMAND one of\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "  %s\n", commands[i].name);
	return 2;
}

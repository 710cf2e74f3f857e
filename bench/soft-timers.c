// SPDX-License-Identifier: GPL-2.0
/*
 * soft-timers - what soft hrtimers cost that expire together
 *
 * usage: soft-timers METRIC N
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
 *   hard_lateness N
 *	A hard timer expires HARD_AFTER_NS after them: how late its callback is;
 *	the worst of CYCLES.
 *
 * Prints "METRIC<TAB>X<TAB>VALUE<TAB>UNIT".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/pkt_cls.h>
#include <linux/tc_act/tc_gate.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL

#define CYCLES		5
#define CYCLE_NS	(200 * NSEC_PER_MSEC)
#define AHEAD_NS	(2 * NSEC_PER_SEC)
#define HARD_AFTER_NS	20000LL

/* Between two ticks, whatever HZ is up to 500: they come at full milliseconds */
#define OFF_TICK_NS	(NSEC_PER_MSEC / 2)

#define HRTIMER_VEC	8

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

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die(path);
	close(fd);
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

static void open_gate(int nl, unsigned int index, uint64_t base_time)
{
	struct tc_gate parms = { .index = index, .action = TC_ACT_PIPE, };
	uint32_t interval = CYCLE_NS;
	uint64_t cycle = CYCLE_NS;
	int32_t clock = CLOCK_MONOTONIC;
	struct request req = {
		.nlh = {
			.nlmsg_len	= NLMSG_LENGTH(sizeof(struct tcamsg)),
			.nlmsg_type	= RTM_NEWACTION,
			.nlmsg_flags	= NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
		},
		.tca.tca_family = AF_UNSPEC,
	};
	struct rtattr *tab, *action, *options, *list, *entry;
	struct {
		struct nlmsghdr	nlh;
		struct nlmsgerr	err;
		char		more[1024];
	} answer;

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

	if (send(nl, &req, req.nlh.nlmsg_len, 0) < 0)
		die("send");
	if (recv(nl, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.nlh))
		die("recv");
	if (answer.nlh.nlmsg_type != NLMSG_ERROR || answer.err.error) {
		errno = -answer.err.error;
		die("gate");
	}
}

/* All gates of this kernel */
static void close_gates(int nl)
{
	struct request req = {
		.nlh = {
			.nlmsg_len	= NLMSG_LENGTH(sizeof(struct tcamsg)),
			.nlmsg_type	= RTM_DELACTION,
			.nlmsg_flags	= NLM_F_REQUEST | NLM_F_ACK | NLM_F_ROOT,
		},
		.tca.tca_family = AF_UNSPEC,
	};
	struct rtattr *tab, *action;
	char answer[4096];

	tab = begin_nest(&req, TCA_ACT_TAB);
	action = begin_nest(&req, 1);
	put_attr(&req, TCA_ACT_KIND, "gate", sizeof("gate"));
	end_nest(&req, action);
	end_nest(&req, tab);
	if (send(nl, &req, req.nlh.nlmsg_len, 0) < 0 || recv(nl, answer, sizeof(answer), 0) < 0)
		die("delete gates");
}

/* ----- Trace ----- */

static const char *const run_events[] = {
	"irq_vectors/local_timer_entry", "irq_vectors/local_timer_exit",
	"irq/softirq_raise", "irq/softirq_entry", "irq/softirq_exit", NULL,
};

static const char *const expiry_events[] = { "timer/hrtimer_expire_entry", NULL, };

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

enum metric { HARDIRQ, SOFTIRQ, SOFT_LATENESS, HARD_LATENESS, };

/* "TASK-PID [CPU] FLAGS TIMESTAMP: EVENT: ..." */
static bool parse_line(char *line, int64_t *ts, char **event, char **rest)
{
	char *colon = strstr(line, ": "), *begin = colon;

	if (line[0] == '#' || !colon)
		return false;
	while (begin > line && begin[-1] != ' ')
		begin--;
	*ts = strtoll(begin, NULL, 10);
	*event = colon + 2;
	colon = strchr(*event, ':');
	if (!colon)
		return false;
	*colon = '\0';
	*rest = colon + 1;
	return true;
}

static void judge_trace(enum metric metric)
{
	int64_t ts, interrupt = 0, found = 0, begun = 0;
	bool raised = false, in_interrupt = false, hard_seen = true;
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
			if (!raised) {
				found = interrupt;
				hard_seen = false;
			}
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
			if (metric == HARD_LATENESS && !hard_seen &&
			    strstr(rest, "timerfd_tmrproc")) {
				hard_seen = true;
				add_value(ts - found - HARD_AFTER_NS);
			}
		}
	}
	fclose(trace);
}

static const struct {
	const char	*name;
	enum metric	metric;
	bool		expiries;
	double		quantile;
	const char	*unit;
} metrics[] = {
	{ "hardirq_instructions",	HARDIRQ,	false,	0.5,	"instructions", },
	{ "softirq_longest",		SOFTIRQ,	false,	1,	"instructions", },
	{ "soft_lateness_p999",		SOFT_LATENESS,	true,	0.999,	"ns", },
	{ "hard_lateness",		HARD_LATENESS,	true,	1,	"ns", },
};

static void arm_hard_timer(int fd, int64_t first)
{
	int64_t expiry = first + HARD_AFTER_NS;
	struct itimerspec its = {
		.it_value	= {
			.tv_sec		= expiry / NSEC_PER_SEC,
			.tv_nsec	= expiry % NSEC_PER_SEC,
		},
		.it_interval.tv_nsec = CYCLE_NS,
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
		open_gate(nl, i, first);
	if (now_ns() > first) {
		fprintf(stderr, "soft-timers: %u gates take too long\n", nr);
		exit(1);
	}
	return first;
}

enum { NR_METRICS = sizeof(metrics) / sizeof(*metrics) };

int main(int argc, char **argv)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, };
	int64_t first;
	unsigned int m;
	int nl, fd;
	long nr = argc == 3 ? atol(argv[2]) : 0;

	for (m = 0; argc == 3 && m < NR_METRICS; m++) {
		if (!strcmp(argv[1], metrics[m].name))
			break;
	}
	if (nr < 1 || m == NR_METRICS) {
		fprintf(stderr, "usage: soft-timers METRIC N\n");
		return 2;
	}

	nl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (nl < 0 || bind(nl, (struct sockaddr *)&address, sizeof(address)))
		die("netlink");
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	if (fd < 0)
		die("timerfd_create");

	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "trace_clock", "x86-tsc");
	write_file(TRACING "buffer_size_kb", "16384");
	write_file(TRACING "events/enable", "0");
	enable_events(run_events);
	if (metrics[m].expiries)
		enable_events(expiry_events);

	first = open_gates(nl, nr);
	if (metrics[m].metric == HARD_LATENESS)
		arm_hard_timer(fd, first);

	sleep_until(first - 100 * NSEC_PER_MSEC);
	write_file(TRACING "tracing_on", "1");
	sleep_until(first + (CYCLES - 1) * CYCLE_NS + 100 * NSEC_PER_MSEC);
	write_file(TRACING "tracing_on", "0");
	write_file(TRACING "events/enable", "0");
	close_gates(nl);

	judge_trace(metrics[m].metric);
	printf("%s\t%ld\t%lld\t%s\n", metrics[m].name, nr,
	       (long long)quantile(metrics[m].quantile), metrics[m].unit);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Soft hrtimers, driven from user space
 *
 * A packet socket with a ring of version 3 has a periodic soft timer, which hands
 * the block being filled to user space when a packet is in it. So a packet that
 * is sent over the loopback device shows that the timer of each socket expires:
 * nothing else hands over a block which is not full.
 *
 * A gate of traffic control has a soft timer of any clock.
 *
 * Sockets are opened on every CPU, and the timers have to go on while CPUs go
 * down and come back and while the clock is set. No case judges how late they
 * are; one which waits for longer than PATIENCE_MS has failed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gate.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define NSEC_PER_SEC	1000000000LL
#define NSEC_PER_MSEC	1000000LL

#define PATIENCE_MS	20000

/* For the harness, which has to wait for longer than a case does */
#define TEST_SECONDS	300

/* For local experiments, see RFC 5342: nobody else sends this */
#define PROTOCOL	0x88b5

#define RINGS		32
#define BLOCK_SIZE	4096
#define BLOCKS		2
#define FRAME_SIZE	1024

/* The time between two ticks at 250 Hz, and how finely to look at it */
#define TICK_NS		(4 * NSEC_PER_MSEC)
#define TICK_STEP_NS	10000

/* Interrupts in which a CPU can look at its soft timers, before it is too late */
#define CHANCES		3
#define CHANCE_NS	100000

#define COUNTERS	"/sys/kernel/debug/hrtimer_soft"
#define TRACING		"/sys/kernel/tracing/"
#define TIMER_LIST	"/proc/timer_list"

struct ring {
	int		fd;
	uint8_t		*map;
	unsigned int	next;
};

static int loopback_index(void)
{
	return if_nametoindex("lo");
}

static int loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	int ret;

	if (fd < 0)
		return -1;
	ret = ioctl(fd, SIOCGIFFLAGS, &ifr);
	if (!ret) {
		ifr.ifr_flags |= IFF_UP;
		ret = ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	close(fd);
	return ret;
}

static struct sockaddr_ll loopback_address(void)
{
	return (struct sockaddr_ll) {
		.sll_family	= AF_PACKET,
		.sll_protocol	= htons(PROTOCOL),
		.sll_ifindex	= loopback_index(),
		.sll_halen	= ETH_ALEN,
	};
}

/* From now on the timer of the ring is running, with this period */
static int open_ring(struct ring *ring, unsigned int period_ms)
{
	struct sockaddr_ll address = loopback_address();
	struct tpacket_req3 req = {
		.tp_block_size		= BLOCK_SIZE,
		.tp_block_nr		= BLOCKS,
		.tp_frame_size		= FRAME_SIZE,
		.tp_frame_nr		= BLOCKS * BLOCK_SIZE / FRAME_SIZE,
		.tp_retire_blk_tov	= period_ms,
	};
	int version = TPACKET_V3;

	ring->next = 0;
	ring->map = MAP_FAILED;
	ring->fd = socket(AF_PACKET, SOCK_DGRAM, htons(PROTOCOL));
	if (ring->fd < 0)
		return -1;
	if (setsockopt(ring->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(ring->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) ||
	    bind(ring->fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	ring->map = mmap(NULL, BLOCKS * BLOCK_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 ring->fd, 0);
	return ring->map == MAP_FAILED ? -1 : 0;
}

static void close_ring(struct ring *ring)
{
	if (ring->map != MAP_FAILED)
		munmap(ring->map, BLOCKS * BLOCK_SIZE);
	if (ring->fd >= 0)
		close(ring->fd);
	ring->fd = -1;
}

static struct tpacket_block_desc *ring_block(const struct ring *ring)
{
	return (struct tpacket_block_desc *)(ring->map + ring->next * BLOCK_SIZE);
}

static bool block_is_ours(const struct ring *ring)
{
	return __atomic_load_n(&ring_block(ring)->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		TP_STATUS_USER;
}

/* Wait for packets and give their blocks back. Returns how many, 0 for none. */
static unsigned int take_packets(struct ring *ring)
{
	struct pollfd pfd = { .fd = ring->fd, .events = POLLIN, };
	unsigned int packets = 0;

	if (!block_is_ours(ring) && poll(&pfd, 1, PATIENCE_MS) != 1)
		return 0;
	while (block_is_ours(ring)) {
		struct tpacket_block_desc *block = ring_block(ring);

		packets += block->hdr.bh1.num_pkts;
		__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL,
				 __ATOMIC_RELEASE);
		ring->next = (ring->next + 1) % BLOCKS;
	}
	return packets;
}

static int send_packet(int fd)
{
	struct sockaddr_ll address = loopback_address();
	char payload[64] = "soft";

	return sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&address,
		      sizeof(address)) == sizeof(payload) ? 0 : -1;
}

static int run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	int ret;

	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return ret;
}

static int set_online(int cpu, bool online)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	return write_file(path, online ? "1" : "0");
}

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int move_wall_clock(long seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	return clock_settime(CLOCK_REALTIME, &ts);
}

FIXTURE(rings)
{
	struct ring	ring[RINGS];
	int		sender;
	int		cpus;
};

FIXTURE_SETUP(rings)
{
	if (geteuid())
		SKIP(return, "needs root");

	for (int i = 0; i < RINGS; i++)
		self->ring[i] = (struct ring) { .fd = -1, .map = MAP_FAILED, };

	self->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	self->sender = socket(AF_PACKET, SOCK_DGRAM, 0);
	if (self->sender < 0)
		SKIP(return, "needs packet sockets (CONFIG_PACKET)");
	ASSERT_EQ(0, loopback_up());

	/* Periods of 1 to 8 ms; the timers start on the CPU of this thread */
	for (int i = 0; i < RINGS; i++) {
		ASSERT_EQ(0, run_on(i % self->cpus));
		ASSERT_EQ(0, open_ring(&self->ring[i], 1 + i % 8)) {
			TH_LOG("ring %d: %s", i, strerror(errno));
		}
	}
	ASSERT_EQ(0, run_on(0));
}

FIXTURE_TEARDOWN(rings)
{
	for (int i = 0; i < RINGS; i++)
		close_ring(&self->ring[i]);
	if (self->sender >= 0)
		close(self->sender);
}

/* Send a packet and see that every ring's timer hands it over. */
static int exchange(struct ring *ring, int sender)
{
	if (send_packet(sender))
		return -1;
	for (int i = 0; i < RINGS; i++) {
		unsigned int packets = take_packets(&ring[i]);

		if (packets != 1) {
			printf("# ring %d has %u packets\n", i, packets);
			return -1;
		}
	}
	return 0;
}

TEST_F_TIMEOUT(rings, every_timer_expires, TEST_SECONDS)
{
	for (int i = 0; i < 100; i++)
		ASSERT_EQ(0, exchange(self->ring, self->sender));
}

/* What is pending goes to another CPU, what is opened there runs there again. */
TEST_F_TIMEOUT(rings, cpu_goes_down, TEST_SECONDS)
{
	struct ring fresh;

	if (self->cpus < 2)
		SKIP(return, "needs two CPUs");

	for (int cpu = 1; cpu < self->cpus; cpu++) {
		if (set_online(cpu, false))
			SKIP(return, "CPU %d cannot be taken offline", cpu);
		EXPECT_EQ(0, exchange(self->ring, self->sender));
		ASSERT_EQ(0, set_online(cpu, true));
		EXPECT_EQ(0, exchange(self->ring, self->sender));

		ASSERT_EQ(0, run_on(cpu));
		ASSERT_EQ(0, open_ring(&fresh, 1));
		ASSERT_EQ(0, send_packet(self->sender));
		EXPECT_EQ(1, take_packets(&fresh));
		close_ring(&fresh);
		for (int i = 0; i < RINGS; i++)
			EXPECT_EQ(1, take_packets(&self->ring[i]));
	}
	ASSERT_EQ(0, run_on(0));
}

struct disturber {
	pthread_t	thread;
	int		cpus;
	bool		stop;
	int		rounds;
	bool		failed;
};

static void *hotplug_thread(void *data)
{
	struct disturber *disturber = data;

	while (!__atomic_load_n(&disturber->stop, __ATOMIC_RELAXED)) {
		int cpu = 1 + disturber->rounds++ % (disturber->cpus - 1);

		if (set_online(cpu, false) || set_online(cpu, true))
			disturber->failed = true;
	}
	return NULL;
}

/* Whether CPUs can be taken down at all */
static bool can_disturb(const struct disturber *disturber)
{
	int cpu = disturber->cpus - 1;

	return cpu > 0 && !set_online(cpu, false) && !set_online(cpu, true);
}

static int begin_disturbing(struct disturber *disturber)
{
	return pthread_create(&disturber->thread, NULL, hotplug_thread, disturber);
}

/* Returns whether CPUs have come and gone meanwhile, and always could. */
static bool end_disturbing(struct disturber *disturber)
{
	__atomic_store_n(&disturber->stop, true, __ATOMIC_RELAXED);
	pthread_join(disturber->thread, NULL);
	return disturber->rounds && !disturber->failed;
}

TEST_F_TIMEOUT(rings, cpus_come_and_go, TEST_SECONDS)
{
	struct disturber disturber = { .cpus = self->cpus, };

	if (!can_disturb(&disturber))
		SKIP(return, "needs a CPU that can be taken offline");

	ASSERT_EQ(0, begin_disturbing(&disturber));
	for (int i = 0; i < 200; i++)
		EXPECT_EQ(0, exchange(self->ring, self->sender));
	EXPECT_TRUE(end_disturbing(&disturber));
	TH_LOG("%d CPUs taken down", disturber.rounds);
}

/* Relative timers do not care. */
TEST_F_TIMEOUT(rings, clock_is_set, TEST_SECONDS)
{
	static const long steps[] = { 3600, -7200, 3600, 86400, -86400, 1, -1, };

	for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
		ASSERT_EQ(0, move_wall_clock(steps[i]));
		EXPECT_EQ(0, exchange(self->ring, self->sender));
	}
}

/* Closing cancels the timer, wherever it is on its way at that moment. */
TEST_F_TIMEOUT(rings, closed_while_expiring, TEST_SECONDS)
{
	for (int i = 0; i < 300; i++) {
		struct ring fresh;

		ASSERT_EQ(0, run_on(i % self->cpus));
		ASSERT_EQ(0, open_ring(&fresh, 1));
		usleep(900 + i);
		close_ring(&fresh);
	}
	ASSERT_EQ(0, run_on(0));
	EXPECT_EQ(0, exchange(self->ring, self->sender));
}

/*
 * A gate of traffic control has a timer of any clock, which is started for an
 * absolute time. It need not be attached to anything.
 */
struct gate_request {
	struct nlmsghdr	nlh;
	struct tcamsg	tca;
	char		attrs[512];
};

static struct rtattr *put_attr(struct gate_request *req, int type, const void *data, size_t len)
{
	struct rtattr *rta = (struct rtattr *)((char *)req + NLMSG_ALIGN(req->nlh.nlmsg_len));

	rta->rta_type = type;
	rta->rta_len = RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(rta), data, len);
	req->nlh.nlmsg_len = NLMSG_ALIGN(req->nlh.nlmsg_len) + RTA_ALIGN(rta->rta_len);
	return rta;
}

static struct rtattr *begin_nest(struct gate_request *req, int type)
{
	return put_attr(req, type | NLA_F_NESTED, NULL, 0);
}

static void end_nest(struct gate_request *req, struct rtattr *nest)
{
	nest->rta_len = (char *)req + req->nlh.nlmsg_len - (char *)nest;
}

/* Returns 0 or a negative error number */
static int ask_kernel(const struct gate_request *req)
{
	struct {
		struct nlmsghdr	nlh;
		struct nlmsgerr	err;
		char		more[1024];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	int ret = -EIO;

	if (fd < 0)
		return -errno;
	if (send(fd, req, req->nlh.nlmsg_len, 0) >= 0 &&
	    recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)sizeof(answer.nlh) &&
	    answer.nlh.nlmsg_type == NLMSG_ERROR)
		ret = answer.err.error;
	close(fd);
	return ret;
}

static struct gate_request gate_request(int type, int flags)
{
	return (struct gate_request) {
		.nlh = {
			.nlmsg_len	= NLMSG_LENGTH(sizeof(struct tcamsg)),
			.nlmsg_type	= type,
			.nlmsg_flags	= NLM_F_REQUEST | NLM_F_ACK | flags,
		},
		.tca.tca_family = AF_UNSPEC,
	};
}

static int open_gate(int32_t clock, uint64_t base_time)
{
	struct gate_request req = gate_request(RTM_NEWACTION, NLM_F_CREATE | NLM_F_EXCL);
	struct tc_gate parms = { .index = 1, .action = TC_ACT_PIPE, };
	struct rtattr *tab, *action, *options, *list, *entry;
	uint64_t cycle = NSEC_PER_SEC;
	uint32_t interval = cycle;

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
	return ask_kernel(&req);
}

static void close_gates(void)
{
	struct gate_request req = gate_request(RTM_DELACTION, NLM_F_ROOT);
	struct rtattr *tab, *action;

	tab = begin_nest(&req, TCA_ACT_TAB);
	action = begin_nest(&req, 1);
	put_attr(&req, TCA_ACT_KIND, "gate", sizeof("gate"));
	end_nest(&req, action);
	end_nest(&req, tab);
	ask_kernel(&req);
}

static bool traced(const char *text)
{
	FILE *trace = fopen(TRACING "trace", "r");
	bool found = false;
	char line[512];

	while (trace && !found && fgets(line, sizeof(line), trace))
		found = strstr(line, text);
	if (trace)
		fclose(trace);
	return found;
}

static bool gate_expires(void)
{
	int64_t end = now_ns(CLOCK_MONOTONIC) + PATIENCE_MS * NSEC_PER_MSEC;

	while (!traced("gate_timer_func")) {
		if (now_ns(CLOCK_MONOTONIC) > end)
			return false;
		usleep(1000);
	}
	return true;
}

FIXTURE(gate)
{
	bool	traces;
};

FIXTURE_VARIANT(gate)
{
	int32_t	clock;
	bool	follows;
};

FIXTURE_VARIANT_ADD(gate, realtime)
{
	.clock		= CLOCK_REALTIME,
	.follows	= true,
};

FIXTURE_VARIANT_ADD(gate, tai)
{
	.clock		= CLOCK_TAI,
	.follows	= true,
};

FIXTURE_VARIANT_ADD(gate, monotonic)
{
	.clock		= CLOCK_MONOTONIC,
	.follows	= false,
};

FIXTURE_SETUP(gate)
{
	if (geteuid())
		SKIP(return, "needs root");
	if (write_file(TRACING "events/timer/hrtimer_expire_entry/enable", "1"))
		SKIP(return, "needs the event hrtimer_expire_entry in " TRACING);
	self->traces = true;
}

FIXTURE_TEARDOWN(gate)
{
	close_gates();
	if (self->traces)
		write_file(TRACING "events/timer/hrtimer_expire_entry/enable", "0");
}

/*
 * Have a gate's timer queued on this CPU for an hour from now. Returns what
 * open_gate() does.
 */
static int open_later_gate(int32_t clock)
{
	close_gates();
	return open_gate(clock, now_ns(clock) + 3600 * NSEC_PER_SEC);
}

/* An absolute timer expires when its clock is set to a later time, or not at all. */
TEST_F_TIMEOUT(gate, clock_is_set_forward, TEST_SECONDS)
{
	int ret = open_later_gate(variant->clock);

	if (ret == -ENOENT || ret == -EOPNOTSUPP)
		SKIP(return, "needs gates (CONFIG_NET_ACT_GATE)");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, write_file(TRACING "trace", "\n"));

	/* Let what the system does at such a time happen before anybody looks */
	usleep(100000);
	ASSERT_FALSE(traced("gate_timer_func"));
	ASSERT_EQ(0, move_wall_clock(7200));
	if (variant->follows) {
		EXPECT_TRUE(gate_expires());
	} else {
		usleep(500000);
		EXPECT_FALSE(traced("gate_timer_func"));
	}
	EXPECT_EQ(0, move_wall_clock(-7200));
}

#define CLOCK_ROUNDS	10

/* The timer, its CPU and its clock all move at the same time. */
TEST_F_TIMEOUT(gate, clock_is_set_while_cpus_come_and_go, TEST_SECONDS)
{
	struct disturber disturber = { .cpus = sysconf(_SC_NPROCESSORS_ONLN), };
	int ret;

	if (!can_disturb(&disturber))
		SKIP(return, "needs a CPU that can be taken offline");
	ret = open_later_gate(variant->clock);
	if (ret == -ENOENT || ret == -EOPNOTSUPP)
		SKIP(return, "needs gates (CONFIG_NET_ACT_GATE)");
	ASSERT_EQ(0, ret);

	ASSERT_EQ(0, begin_disturbing(&disturber));
	for (int i = 0; i < CLOCK_ROUNDS; i++) {
		run_on(i % disturber.cpus);
		EXPECT_EQ(0, write_file(TRACING "trace", "\n"));
		EXPECT_EQ(0, open_later_gate(variant->clock));
		EXPECT_EQ(0, move_wall_clock(7200));
		if (variant->follows) {
			EXPECT_TRUE(gate_expires());
		} else {
			usleep(20000);
			EXPECT_FALSE(traced("gate_timer_func"));
		}
		EXPECT_EQ(0, move_wall_clock(-7200));
	}
	EXPECT_TRUE(end_disturbing(&disturber));
}

FIXTURE(set_gate)
{
	bool	traces;
};

FIXTURE_VARIANT(set_gate)
{
	int32_t	clock;
};

FIXTURE_VARIANT_ADD(set_gate, realtime)
{
	.clock	= CLOCK_REALTIME,
};

FIXTURE_VARIANT_ADD(set_gate, tai)
{
	.clock	= CLOCK_TAI,
};

FIXTURE_SETUP(set_gate)
{
	int ret;

	if (geteuid())
		SKIP(return, "needs root");
	ret = open_later_gate(variant->clock);
	if (ret == -ENOENT || ret == -EOPNOTSUPP)
		SKIP(return, "needs gates (CONFIG_NET_ACT_GATE)");
	ASSERT_EQ(0, ret);
	if (write_file(TRACING "events/timer/hrtimer_expire_entry/enable", "1"))
		SKIP(return, "needs the event hrtimer_expire_entry in " TRACING);
	self->traces = true;
}

FIXTURE_TEARDOWN(set_gate)
{
	close_gates();
	if (self->traces)
		write_file(TRACING "events/timer/hrtimer_expire_entry/enable", "0");
}

/* It does not matter which CPU sets the clock and where the timer is. */
TEST_F_TIMEOUT(set_gate, on_each_cpu, TEST_SECONDS)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int i = 0; i < cpus * cpus; i++) {
		int timer_cpu = i / cpus, setter_cpu = i % cpus;

		ASSERT_EQ(0, run_on(timer_cpu));
		ASSERT_EQ(0, open_later_gate(variant->clock));
		ASSERT_EQ(0, write_file(TRACING "trace", "\n"));
		ASSERT_EQ(0, run_on(setter_cpu));
		ASSERT_EQ(0, move_wall_clock(7200));
		ASSERT_TRUE(gate_expires()) {
			TH_LOG("timer on CPU %d, clock set on CPU %d", timer_cpu, setter_cpu);
		}
		ASSERT_EQ(0, move_wall_clock(-7200));
	}
}

static void spin_until(int64_t ns)
{
	while (now_ns(CLOCK_MONOTONIC) < ns)
		;
}

/*
 * Idle CPUs look at all of their timers, and so do others now and then. This one
 * does not become idle, and its patience is counted in interrupts: of the next
 * hard timer, which come with ticks when the resolution is low.
 */
static bool gate_expires_while_busy(int fd)
{
	for (int i = 0; i < CHANCES; i++) {
		struct itimerspec its = { .it_value.tv_nsec = CHANCE_NS, };
		uint64_t count;

		if (timerfd_settime(fd, 0, &its, NULL))
			return false;
		while (read(fd, &count, sizeof(count)) < 0) {
			if (errno != EAGAIN)
				return false;
		}
		/* The softirq may have been left to ksoftirqd, which needs the CPU */
		sched_yield();
		if (traced("gate_timer_func"))
			return true;
	}
	return false;
}

/*
 * A tick that comes between the new time and the notice of it sees the new time
 * first. So the clock is set at all times of a tick.
 */
TEST_F_TIMEOUT(set_gate, beside_tick, TEST_SECONDS)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, run_on(0));
	for (int64_t after = 0; after < TICK_NS; after += TICK_STEP_NS) {
		ASSERT_EQ(0, open_later_gate(variant->clock));
		ASSERT_EQ(0, write_file(TRACING "trace", "\n"));

		/* With low resolution this ends in a tick */
		usleep(1);
		spin_until(now_ns(CLOCK_MONOTONIC) + after);
		ASSERT_EQ(0, move_wall_clock(7200));
		ASSERT_TRUE(gate_expires_while_busy(fd)) {
			TH_LOG("clock set %lld ns after a tick", (long long)after);
		}
		ASSERT_EQ(0, move_wall_clock(-7200));
	}
	close(fd);
}

/*
 * Bursts of hard timers, each due while the one before is being expired, make the
 * hard interrupt give up and have the hardware wait for as long as it took. A
 * soft timer which has become due by then need not wait for that.
 */
#define BURSTS		3
#define BURST_TIMERS	500
#define HANG_ATTEMPTS	20

FIXTURE(hang)
{
	/* And one to tell the end of the hang by */
	int	fd[BURSTS * BURST_TIMERS + 1];
	bool	traces;
};

FIXTURE_SETUP(hang)
{
	struct rlimit files = { ARRAY_SIZE(self->fd) + 64, ARRAY_SIZE(self->fd) + 64, };

	if (geteuid())
		SKIP(return, "needs root");

	for (unsigned int i = 0; i < ARRAY_SIZE(self->fd); i++)
		self->fd[i] = -1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, run_on(0));
	for (unsigned int i = 0; i < ARRAY_SIZE(self->fd); i++) {
		self->fd[i] = timerfd_create(CLOCK_MONOTONIC, 0);
		ASSERT_GE(self->fd[i], 0);
	}
	if (write_file(TRACING "events/timer/hrtimer_expire_entry/enable", "1"))
		SKIP(return, "needs the event hrtimer_expire_entry in " TRACING);
	self->traces = true;
}

FIXTURE_TEARDOWN(hang)
{
	close_gates();
	if (self->traces)
		write_file(TRACING "events/timer/hrtimer_expire_entry/enable", "0");
	for (unsigned int i = 0; i < ARRAY_SIZE(self->fd); i++) {
		if (self->fd[i] >= 0)
			close(self->fd[i]);
	}
}

static int arm(int fd, int64_t expiry)
{
	struct itimerspec its = {
		.it_value = {
			.tv_sec		= expiry / NSEC_PER_SEC,
			.tv_nsec	= expiry % NSEC_PER_SEC,
		},
	};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME, &its, NULL);
}

static int arm_burst(const int *fd, int64_t expiry)
{
	for (int i = 0; i < BURST_TIMERS; i++) {
		if (arm(fd[i], expiry))
			return -1;
	}
	return 0;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = {
		.tv_sec		= ns / NSEC_PER_SEC,
		.tv_nsec	= ns % NSEC_PER_SEC,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

/* How often interrupts of the first CPU have given up, or -1 */
static long hangs(void)
{
	FILE *file = fopen(TIMER_LIST, "r");
	long count = -1;
	char line[256];

	while (file && count < 0 && fgets(line, sizeof(line), file))
		sscanf(line, " .nr_hangs : %ld", &count);
	if (file)
		fclose(file);
	return count;
}

/* Without soft bases a soft timer waits among the hard ones, and as long as these. */
static bool has_soft_bases(void)
{
	FILE *file = fopen(TIMER_LIST, "r");
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		found = !strncmp(line, " clock 4:", strlen(" clock 4:"));
	if (file)
		fclose(file);
	return found;
}

struct expiries {
	/* From the first hard timer to the last one */
	int64_t	hard_ns;
	/* Hard timers that expired after the soft one, -1 if that never did */
	int	hard_after_soft;
};

static int read_expiries(struct expiries *expiries)
{
	FILE *trace = fopen(TRACING "trace", "r");
	double first = 0, last = 0;
	char line[512];

	*expiries = (struct expiries) { .hard_after_soft = -1, };
	if (!trace)
		return -1;
	while (fgets(line, sizeof(line), trace)) {
		char *event = strstr(line, ": hrtimer_expire_entry:");

		if (!event)
			continue;
		if (strstr(event, "gate_timer_func")) {
			if (expiries->hard_after_soft < 0)
				expiries->hard_after_soft = 0;
		} else if (strstr(event, "timerfd_tmrproc")) {
			while (event > line && event[-1] != ' ')
				event--;
			last = strtod(event, NULL);
			first = first ?: last;
			if (expiries->hard_after_soft >= 0)
				expiries->hard_after_soft++;
		}
	}
	fclose(trace);
	expiries->hard_ns = (last - first) * NSEC_PER_SEC;
	return 0;
}

/* How long the interrupt takes for one burst */
static int64_t measure_burst(const int *fd)
{
	int64_t start = now_ns(CLOCK_MONOTONIC) + 100 * NSEC_PER_MSEC;
	struct expiries expiries;

	if (write_file(TRACING "trace", "\n") || arm_burst(fd, start))
		return -1;
	sleep_until(start + 100 * NSEC_PER_MSEC);
	return read_expiries(&expiries) ? -1 : expiries.hard_ns;
}

TEST_F_TIMEOUT(hang, soft_timer_does_not_wait, TEST_SECONDS)
{
	int last = self->fd[BURSTS * BURST_TIMERS];
	struct timespec resolution;

	ASSERT_EQ(0, clock_getres(CLOCK_MONOTONIC, &resolution));
	if (resolution.tv_nsec > 1)
		SKIP(return, "needs high resolution mode");
	if (hangs() < 0)
		SKIP(return, "needs " TIMER_LIST);
	if (!has_soft_bases())
		SKIP(return, "soft timers wait with the hard ones (CONFIG_HRTIMER_SOFT_BASES=n)");

	for (int attempt = 0; attempt < HANG_ATTEMPTS; attempt++) {
		int64_t burst = measure_burst(self->fd);
		int64_t start = now_ns(CLOCK_MONOTONIC) + 500 * NSEC_PER_MSEC;
		struct expiries expiries;
		long before = hangs();
		int ret;

		ASSERT_GT(burst, 0);
		ASSERT_EQ(0, write_file(TRACING "trace", "\n"));
		close_gates();
		ret = open_gate(CLOCK_MONOTONIC, start + 5 * burst / 2);
		if (ret == -ENOENT || ret == -EOPNOTSUPP)
			SKIP(return, "needs gates (CONFIG_NET_ACT_GATE)");
		ASSERT_EQ(0, ret);
		for (int i = 0; i < BURSTS; i++) {
			ASSERT_EQ(0, arm_burst(&self->fd[i * BURST_TIMERS],
					       start + i * burst - (i ? burst / 2 : 0)));
		}
		/* After the interrupt, but while the hardware waits */
		ASSERT_EQ(0, arm(last, start + 4 * burst));
		if (now_ns(CLOCK_MONOTONIC) > start)
			continue;

		sleep_until(start + 500 * NSEC_PER_MSEC);
		if (hangs() == before)
			continue;

		ASSERT_EQ(0, read_expiries(&expiries));
		TH_LOG("attempt %d: bursts of %lld ns, %d hard timers after the soft one", attempt,
		       (long long)burst, expiries.hard_after_soft);
		EXPECT_EQ(1, expiries.hard_after_soft);
		return;
	}
	SKIP(return, "no interrupt has given up");
}

/* The word in column @column of @line, or NULL */
static char *word_at(char *line, int column)
{
	static const char separators[] = { ' ', '\n', '\0', };
	char *save, *word = strtok_r(line, separators, &save);

	while (word && column--)
		word = strtok_r(NULL, separators, &save);
	return word;
}

static int column_of(const char *line, const char *name)
{
	for (int column = 0; ; column++) {
		char copy[512];
		char *word;

		snprintf(copy, sizeof(copy), "%s", line);
		word = word_at(copy, column);
		if (!word)
			return -1;
		if (!strcmp(word, name))
			return column;
	}
}

/* Sum of a counter over all CPUs, -1 if there is no such counter */
static long long counter(const char *name)
{
	FILE *file = fopen(COUNTERS, "r");
	long long sum = 0;
	int column = -1;
	char line[512];

	if (!file)
		return -1;
	if (fgets(line, sizeof(line), file))
		column = column_of(line, name);
	while (column >= 0 && fgets(line, sizeof(line), file)) {
		char *word = word_at(line, column);

		sum += word ? atoll(word) : 0;
	}
	fclose(file);
	return column < 0 ? -1 : sum;
}

TEST_F_TIMEOUT(rings, counted, TEST_SECONDS)
{
	long long timers = counter("timers");
	long long runs = counter("runs");

	if (access(COUNTERS, R_OK))
		SKIP(return, "no " COUNTERS);

	ASSERT_GE(runs, 0);
	ASSERT_GE(timers, 0);
	ASSERT_GE(counter("most_timers"), 0);
	ASSERT_GE(counter("budget_stops"), 0);
	ASSERT_GE(counter("bounces"), 0);
	ASSERT_GE(counter("longest_ns"), 0);
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(0, exchange(self->ring, self->sender));

	/* Each exchange takes an expiry of each ring */
	EXPECT_GE(counter("timers"), timers + 10 * RINGS);
	EXPECT_GT(counter("runs"), runs);
	EXPECT_GE(counter("timers"), counter("most_timers"));
}

/* The resolution that /proc/timer_list tells, in ns, or -1. */
static long listed_resolution(void)
{
	FILE *file = fopen(TIMER_LIST, "r");
	long resolution = -1;
	char line[256];

	if (!file)
		return -1;
	while (resolution < 0 && fgets(line, sizeof(line), file))
		sscanf(line, " .resolution: %ld nsecs", &resolution);
	fclose(file);
	return resolution;
}

TEST(resolution_is_told)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI,
	};
	long resolution = listed_resolution();

	if (resolution < 0)
		SKIP(return, "cannot read " TIMER_LIST);

	for (unsigned int i = 0; i < ARRAY_SIZE(clocks); i++) {
		struct timespec ts;

		ASSERT_EQ(0, clock_getres(clocks[i], &ts));
		EXPECT_EQ(resolution, ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec);
	}
}

/* Neither of them wakes up early, and both sleep on the same clock. */
TEST(nanosleep_agrees)
{
	static const long lengths[] = { 1, 1000, 100000, 1000000, 12345678, };

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct timespec ts = { .tv_nsec = lengths[i], };
		int64_t begin = now_ns(CLOCK_MONOTONIC);
		int64_t until;

		ASSERT_EQ(0, nanosleep(&ts, NULL));
		EXPECT_GE(now_ns(CLOCK_MONOTONIC), begin + lengths[i]);

		begin = now_ns(CLOCK_MONOTONIC);
		ASSERT_EQ(0, clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL));
		EXPECT_GE(now_ns(CLOCK_MONOTONIC), begin + lengths[i]);

		until = now_ns(CLOCK_REALTIME) + lengths[i];
		ts = (struct timespec) {
			.tv_sec		= until / NSEC_PER_SEC,
			.tv_nsec	= until % NSEC_PER_SEC,
		};
		ASSERT_EQ(0, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL));
		EXPECT_GE(now_ns(CLOCK_REALTIME), until);
	}
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model checker of the timer migration core: options and results
 *
 * Exit status: 0 when nothing was found, 1 on a violation or when a space that
 * has to be exhausted was not, 2 on bad input.
 */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mc.h"

#ifndef MC_FINGERPRINT
#define MC_FINGERPRINT	"0"
#endif

enum mc_status {
	MC_OK		= 0,
	MC_BAD		= 1,
	MC_BOUNDED	= 3,
	MC_CRASHED	= 4,
};

#define MC_JOBS_MAX	64
#define MC_SCENARIOS	128
#define MC_BOUND_TRIED	3

static const char mc_usage[] =
	"usage: mc [options]             check all scenarios\n"
	"  --list                        names of the scenarios, and what they are about\n"
	"  --scenario NAME               only this one\n"
	"  --preemptions N               at most N preemptions\n"
	"  --random N [--seed S]         N random schedules instead of a search\n"
	"  --replay STRING|FILE          print a schedule, as a violation has named it\n"
	"  --max-states N                give up after N states\n"
	"  --all                         all scenarios, the default\n"
	"  --jobs N                      processes at a time (2)\n"
	"  --expected FILE               names of the scenarios that have to be exhausted\n"
	"  --fail-fast                   stop at the first violation\n"
	"  --no-reduction                branch at every access\n"
	"  --rerun                       go back by running again, not by copying stacks\n"
	"  --verbose                     progress\n";

static void __attribute__((noreturn, format(printf, 1, 2))) mc_bad_input(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "mc: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

static u64 mc_number(const char *option, const char *text, u64 least, u64 most)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < least || value > most)
		mc_bad_input("--%s: %s is not a number from %llu to %llu", option, text,
			     (unsigned long long)least, (unsigned long long)most);

	return value;
}

static const struct mc_scenario *mc_find(const char *name, size_t length)
{
	unsigned int i;

	for (i = 0; i < mc_nr_scenarios; i++) {
		if (strlen(mc_scenarios[i].name) == length &&
		    !strncmp(mc_scenarios[i].name, name, length))
			return &mc_scenarios[i];
	}
	mc_bad_input("no scenario %.*s; --list names them", (int)length, name);
}

static void mc_list(void)
{
	unsigned int i;

	for (i = 0; i < mc_nr_scenarios; i++)
		printf("%-28s %s\n", mc_scenarios[i].name, mc_scenarios[i].about);
}

/* --- Replay ---------------------------------------------------------------------------- */

static void mc_parse_choices(const char *text)
{
	unsigned long cpu, nr;
	char *end;

	mc.depth = 0;
	while (*text && *text != '\n') {
		cpu = strtoul(text, &end, 10);
		if (end == text || *end != '*' || cpu >= mc.nr_cpus)
			mc_bad_input("--replay: \"%.20s\" does not begin with CPU*STEPS", text);
		text = end + 1;
		nr = strtoul(text, &end, 10);
		if (end == text || nr > MC_DEPTH - mc.depth)
			mc_bad_input("--replay: \"%.20s\" is not a number of steps", text);
		memset(mc.choice + mc.depth, cpu, nr);
		mc.depth += nr;
		text = *end == ',' ? end + 1 : end;
	}
}

static void mc_replay_text(const char *text)
{
	const char *at = strchr(text, '@'), *colon = at ? strchr(at, ':') : NULL;

	if (!colon)
		mc_bad_input("--replay: \"%.20s\" is neither a file nor NAME@BUILD:CPU*STEPS,...",
			     text);
	mc.scenario = mc_find(text, at - text);
	if ((size_t)(colon - at - 1) != strlen(MC_FINGERPRINT) ||
	    strncmp(at + 1, MC_FINGERPRINT, colon - at - 1))
		mc_bad_input("--replay: made by build %.*s, this is build %s",
			     (int)(colon - at - 1), at + 1, MC_FINGERPRINT);
	mc.nr_cpus = mc.scenario->cpus + mc.scenario->later;
	mc_parse_choices(colon + 1);
	mc_replay();
	printf("no violation\n");
}

/* A file is searched for the first line with a schedule */
static void mc_replay_argument(const char *argument)
{
	FILE *file = fopen(argument, "r");
	static char line[65536];
	char *text;

	if (!file) {
		mc_replay_text(argument);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		text = !strncmp(line, "replay: ", 8) ? line + 8 : line;
		if (strchr(text, '@') && strchr(text, '*') && !strchr(text, ' ')) {
			fclose(file);
			mc_replay_text(text);
			return;
		}
	}
	mc_bad_input("--replay: %s has no line with a schedule", argument);
}

/* --- One scenario --------------------------------------------------------------------------- */

static double mc_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec + now.tv_nsec / 1e9;
}

static void mc_print_result(const struct mc_result *result, const struct mc_options *options,
			    double seconds)
{
	char how[32] = "bounded";

	if (result->exhausted)
		snprintf(how, sizeof(how), "exhausted");
	else if (options->random)
		snprintf(how, sizeof(how), "random");
	else if (options->preemptions >= 0)
		snprintf(how, sizeof(how), "bounded (%d)", options->preemptions);

	printf("%-28s %10llu %10llu %8llu %6u %7.2f  %s\n", mc.scenario->name,
	       (unsigned long long)result->states, (unsigned long long)result->schedules,
	       (unsigned long long)result->ends, result->depth, seconds, how);
}

/* Returns MC_OK or MC_BOUNDED; a violation exits */
static int mc_check_scenario(const struct mc_scenario *scenario, struct mc_options options)
{
	double start = mc_seconds();
	struct mc_result result;

	mc.scenario = scenario;
	if (options.preemptions < 0 && scenario->preemptions)
		options.preemptions = scenario->preemptions;
	result = mc_explore(&options);
	mc_print_result(&result, &options, mc_seconds() - start);

	return result.exhausted ? MC_OK : MC_BOUNDED;
}

/* --- All of them, some at a time ------------------------------------------------------------ */

/**
 * struct mc_job - A process that checks a scenario
 * @pid:	the process
 * @output:	what it prints
 * @status:	as from waitpid()
 * @over:	@status is valid
 */
struct mc_job {
	pid_t	pid;
	FILE	*output;
	int	status;
	bool	over;
};

static struct mc_job mc_jobs[MC_SCENARIOS];

static void mc_copy_output(FILE *output)
{
	char line[4096];

	rewind(output);
	while (fgets(line, sizeof(line), output))
		fputs(line, stdout);
	fclose(output);
}

static struct mc_job mc_start_job(const struct mc_scenario *scenario,
				  const struct mc_options *options,
				  int (*check)(const struct mc_scenario *, struct mc_options))
{
	struct mc_job job = { .output = tmpfile() };
	int status;

	fflush(stdout);
	job.pid = fork();
	if (!job.output || job.pid < 0)
		mc_bad_input("cannot start a process: %s", strerror(errno));
	if (!job.pid) {
		dup2(fileno(job.output), STDOUT_FILENO);
		status = check(scenario, *options);
		fflush(stdout);
		_exit(status);
	}

	return job;
}

static int mc_exit_status(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);

	printf("VIOLATION: killed by signal %d\n", WTERMSIG(status));
	return MC_BAD;
}

/* Like mc_check_scenario(), but a violation comes back, with its table */
static int mc_try(const struct mc_scenario *scenario, const struct mc_options *options,
		  FILE **output)
{
	struct mc_job job = mc_start_job(scenario, options, mc_check_scenario);
	int status;

	*output = job.output;
	waitpid(job.pid, &status, 0);

	return WIFEXITED(status) ? WEXITSTATUS(status) : MC_CRASHED;
}

/*
 * A violation that the search has found may take many turns; one that needs few
 * preemptions reads better, so that is looked for then.
 */
static int mc_check_and_simplify(const struct mc_scenario *scenario, struct mc_options options)
{
	FILE *output, *simple;
	int status, bound;

	status = mc_try(scenario, &options, &output);
	for (bound = 0; status == MC_BAD && bound <= MC_BOUND_TRIED; bound++) {
		if (options.random || options.preemptions >= 0)
			break;
		options.preemptions = bound;
		if (mc_try(scenario, &options, &simple) == MC_BAD) {
			mc_copy_output(simple);
			return MC_BAD;
		}
		fclose(simple);
		options.preemptions = -1;
	}
	mc_copy_output(output);
	if (status == MC_CRASHED)
		printf("%s: VIOLATION: the program has crashed\n", scenario->name);

	return status == MC_CRASHED ? MC_BAD : status;
}

static void mc_wait_job(void)
{
	unsigned int i;
	int status;
	pid_t pid;

	pid = wait(&status);
	for (i = 0; i < mc_nr_scenarios; i++) {
		if (mc_jobs[i].pid == pid) {
			mc_jobs[i].status = status;
			mc_jobs[i].over = true;
		}
	}
}

static void mc_stop_jobs(void)
{
	unsigned int i;

	for (i = 0; i < mc_nr_scenarios; i++) {
		if (mc_jobs[i].pid && !mc_jobs[i].over)
			kill(-mc_jobs[i].pid, SIGKILL);
	}
}

/* In a process group of its own, to be stopped with its children */
static int mc_check_job(const struct mc_scenario *scenario, struct mc_options options)
{
	setpgid(0, 0);

	return mc_check_and_simplify(scenario, options);
}

/* Prints results in their order as soon as they are there; returns violations */
static unsigned int mc_check_all(const struct mc_options *options, unsigned int jobs,
				 bool fail_fast)
{
	unsigned int started = 0, running = 0, printed = 0, bad = 0;

	while (printed < mc_nr_scenarios && !(bad && fail_fast)) {
		while (running < jobs && started < mc_nr_scenarios) {
			mc_jobs[started] = mc_start_job(&mc_scenarios[started], options,
							mc_check_job);
			started++;
			running++;
		}
		mc_wait_job();
		running--;
		while (printed < started && mc_jobs[printed].over) {
			mc_copy_output(mc_jobs[printed].output);
			mc_jobs[printed].status = mc_exit_status(mc_jobs[printed].status);
			bad += mc_jobs[printed++].status == MC_BAD;
		}
		fflush(stdout);
	}
	mc_stop_jobs();

	return bad;
}

/* Names of scenarios, a line each, of which the space was exhausted before */
static unsigned int mc_compare(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned int bad = 0, i;
	char line[256];

	if (!file)
		mc_bad_input("--expected: %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (!line[0] || line[0] == '#')
			continue;
		for (i = 0; i < mc_nr_scenarios; i++) {
			if (!strcmp(mc_scenarios[i].name, line))
				break;
		}
		if (i == mc_nr_scenarios)
			printf("%s: was exhausted before, now there is no such scenario\n", line);
		else if (mc_jobs[i].status == MC_BOUNDED)
			printf("%s: was exhausted before, now it is not\n", line);
		else
			continue;
		bad++;
	}
	fclose(file);

	return bad;
}

/* --- The command line ------------------------------------------------------------------------- */

enum mc_option {
	MC_OPT_LIST = 1,
	MC_OPT_ALL,
	MC_OPT_SCENARIO,
	MC_OPT_PREEMPTIONS,
	MC_OPT_RANDOM,
	MC_OPT_SEED,
	MC_OPT_REPLAY,
	MC_OPT_MAX_STATES,
	MC_OPT_JOBS,
	MC_OPT_EXPECTED,
	MC_OPT_FAIL_FAST,
	MC_OPT_NO_REDUCTION,
	MC_OPT_RERUN,
	MC_OPT_VERBOSE,
	MC_OPT_HELP,
};

static const struct option mc_long_options[] = {
	{ "list",		no_argument,		NULL, MC_OPT_LIST },
	{ "all",		no_argument,		NULL, MC_OPT_ALL },
	{ "scenario",		required_argument,	NULL, MC_OPT_SCENARIO },
	{ "preemptions",	required_argument,	NULL, MC_OPT_PREEMPTIONS },
	{ "random",		required_argument,	NULL, MC_OPT_RANDOM },
	{ "seed",		required_argument,	NULL, MC_OPT_SEED },
	{ "replay",		required_argument,	NULL, MC_OPT_REPLAY },
	{ "max-states",		required_argument,	NULL, MC_OPT_MAX_STATES },
	{ "jobs",		required_argument,	NULL, MC_OPT_JOBS },
	{ "expected",		required_argument,	NULL, MC_OPT_EXPECTED },
	{ "fail-fast",		no_argument,		NULL, MC_OPT_FAIL_FAST },
	{ "no-reduction",	no_argument,		NULL, MC_OPT_NO_REDUCTION },
	{ "rerun",		no_argument,		NULL, MC_OPT_RERUN },
	{ "verbose",		no_argument,		NULL, MC_OPT_VERBOSE },
	{ "help",		no_argument,		NULL, MC_OPT_HELP },
	{ }
};

/**
 * struct mc_command - What is asked for
 * @options:	how to search
 * @scenario:	NULL for all
 * @replay:	schedule or file, or NULL
 * @expected:	file, or NULL
 * @jobs:	processes at a time
 * @fail_fast:	stop at the first violation
 */
struct mc_command {
	struct mc_options		options;
	const struct mc_scenario	*scenario;
	const char			*replay;
	const char			*expected;
	unsigned int			jobs;
	bool				fail_fast;
};

static void mc_parse_option(struct mc_command *command, enum mc_option option)
{
	struct mc_options *options = &command->options;

	switch (option) {
	case MC_OPT_LIST:
		mc_list();
		exit(0);
	case MC_OPT_ALL:
		command->scenario = NULL;
		break;
	case MC_OPT_SCENARIO:
		command->scenario = mc_find(optarg, strlen(optarg));
		break;
	case MC_OPT_PREEMPTIONS:
		options->preemptions = mc_number("preemptions", optarg, 0, 100);
		break;
	case MC_OPT_RANDOM:
		options->random = mc_number("random", optarg, 1, ~0ULL);
		break;
	case MC_OPT_SEED:
		options->seed = mc_number("seed", optarg, 0, ~0ULL);
		break;
	case MC_OPT_REPLAY:
		command->replay = optarg;
		break;
	case MC_OPT_MAX_STATES:
		options->max_states = mc_number("max-states", optarg, 1, ~0ULL);
		break;
	case MC_OPT_JOBS:
		command->jobs = mc_number("jobs", optarg, 1, MC_JOBS_MAX);
		break;
	case MC_OPT_EXPECTED:
		command->expected = optarg;
		break;
	case MC_OPT_FAIL_FAST:
		command->fail_fast = true;
		break;
	case MC_OPT_NO_REDUCTION:
		options->reduce = false;
		break;
	case MC_OPT_RERUN:
		options->rerun = true;
		break;
	case MC_OPT_VERBOSE:
		options->verbose = true;
		break;
	case MC_OPT_HELP:
		fputs(mc_usage, stdout);
		exit(0);
	default:
		mc_bad_input("an option that does not exist or lacks its value; --help tells them");
	}
}

static struct mc_command mc_parse(int argc, char **argv)
{
	struct mc_command command = {
		.options	= { .preemptions = -1, .seed = 1, .reduce = true },
		.jobs		= 2,
	};
	int option;

#ifdef __SANITIZE_ADDRESS__
	command.options.rerun = true;
#endif
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", mc_long_options, NULL)) != -1)
		mc_parse_option(&command, option);
	if (optind < argc)
		mc_bad_input("%s: not an option; --help tells them", argv[optind]);

	return command;
}

static void mc_print_head(void)
{
	printf("%-28s %10s %10s %8s %6s %7s  %s\n", "scenario", "states", "schedules", "ends",
	       "depth", "seconds", "space");
	fflush(stdout);
}

static int mc_run_all(const struct mc_command *command)
{
	double start = mc_seconds();
	unsigned int bad;

	mc_print_head();
	bad = mc_check_all(&command->options, command->jobs, command->fail_fast);
	if (!bad && command->expected)
		bad = mc_compare(command->expected);
	if (bad)
		printf("mc: FAILED: %u of %u scenarios\n", bad, mc_nr_scenarios);
	else
		printf("mc: %u scenarios passed in %.1f s\n", mc_nr_scenarios,
		       mc_seconds() - start);

	return bad ? MC_BAD : MC_OK;
}

int main(int argc, char **argv)
{
	struct mc_command command = mc_parse(argc, argv);

	mc_hash_init();
	if (command.replay) {
		mc_replay_argument(command.replay);
		return MC_OK;
	}
	if (command.scenario) {
		mc_print_head();
		return mc_check_and_simplify(command.scenario, command.options) == MC_BAD;
	}

	return mc_run_all(&command);
}

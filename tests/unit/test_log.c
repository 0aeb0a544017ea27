/* SPDX-License-Identifier: MIT */
#include "pinefs/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "unit.h"

#define LARGE ((size_t)4 * 1024 * 1024) /* more than any of these takes */

static void test_log_unopened_shows_warnings_only(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	pfs_error("one %d", 1);
	pfs_warning("two");
	pfs_info("three");
	pfs_debug("four");
	assert_string_equal(capture_end(&capture), "pinefs: one 1\npinefs: two\n");
}

static void test_log_debug_level_shows_all(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	pfs_log_open(PFS_LOG_DEBUG, PFS_LOG_STDERR, NULL);
	pfs_info("three");
	pfs_debug("four");
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	pfs_info("five");
	assert_string_equal(capture_end(&capture), "pinefs: three\npinefs: four\n");
}

static void test_log_escapes_what_a_terminal_obeys(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	pfs_error("%s", "a\nb\x1b[2J");
	assert_string_equal(capture_end(&capture), "pinefs: a\\nb\\x1b[2J\n");
}

static void test_log_long_message_is_cut_to_one_line(void **state)
{
	struct capture capture;
	char message[2 * PFS_LOG_LINE];
	const char *text;

	memset(message, 'a', sizeof(message));
	message[sizeof(message) - 1] = '\0';
	capture_begin(&capture);
	pfs_error("%s", message);
	text = capture_end(&capture);
	assert_int_equal(strlen(text), strlen("pinefs: ") + PFS_LOG_LINE - 1 + 1);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void test_log_keeps_errno(void **state)
{
	struct capture capture;

	capture_begin(&capture);
	close(STDERR_FILENO);
	errno = ESTALE;
	pfs_error("nobody hears");
	assert_int_equal(errno, ESTALE);
	capture_end(&capture);
}

/* --- a stderr that nobody reads ------------------------------------------------------------ */

/* stderr is fd from now on; given back by end. */
static int begin(int fd)
{
	int saved = dup(STDERR_FILENO);

	assert_true(saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	return saved;
}

static void end(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
}

/* What can be read at once, of at most so many bytes. */
static size_t drain(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while ((got = read(fd, text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	return length;
}

/*
 * Each line is written until one is dropped, and three more are. Who would wait does so for ever:
 * then the alarm ends the test.
 */
static unsigned write_until_full(void)
{
	uint64_t before = pfs_log_dropped();
	char filling[201] = "";
	unsigned lines = 0;

	memset(filling, 'x', sizeof(filling) - 1);
	(void)alarm(60);
	for (; pfs_log_dropped() < before + 4; lines++)
		pfs_error("%u %s", lines, filling);
	(void)alarm(0);
	return lines - 4;
}

/*
 * What was read, with the line that came after it: the first so many lines, whole; that four were
 * dropped; and the last one. A terminal makes \r\n of a newline.
 */
static void assert_told(const char *text, unsigned lines, const char *newline)
{
	char wanted[300];

	for (unsigned i = 0; i < lines; i++) {
		int length = snprintf(wanted, sizeof(wanted), "pinefs: %u %0200d%s", i, 0, newline);

		for (char *zero = strchr(wanted + 8, ' ') + 1; *zero == '0'; zero++)
			*zero = 'x';
		if (strncmp(text, wanted, (size_t)length) != 0)
			fail_msg("line %u of %u isn't there: %.300s", i, lines, text);
		text += length;
	}
	(void)snprintf(wanted, sizeof(wanted),
		       "pinefs: log: lines dropped that couldn't be written: 4%s"
		       "pinefs: after%spinefs: all%s",
		       newline, newline, newline);
	assert_string_equal(text, wanted);
}

static void test_log_full_pipe_drops_lines_and_says_how_many(void **state)
{
	int ends[2], saved;
	char *text = calloc(1, LARGE);
	unsigned lines;
	size_t length;

	assert_int_equal(pipe(ends), 0);
	saved = begin(ends[1]);
	lines = write_until_full();
	length = drain(ends[0], text, LARGE);
	pfs_error("after");
	pfs_error("all");
	end(saved);
	/* The open file is the shell's, too. */
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	(void)drain(ends[0], text + length, LARGE - length);
	assert_true(lines > 10);
	assert_told(text, lines, "\n");
	close(ends[0]);
	close(ends[1]);
	free(text);
}

static void test_log_full_socket_drops_lines(void **state)
{
	int ends[2], saved;
	char *text = calloc(1, LARGE);
	unsigned lines;
	size_t length;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	saved = begin(ends[1]);
	lines = write_until_full();
	length = drain(ends[0], text, LARGE);
	pfs_error("after");
	pfs_error("all");
	end(saved);
	(void)drain(ends[0], text + length, LARGE - length);
	assert_told(text, lines, "\n");
	close(ends[0]);
	close(ends[1]);
	free(text);
}

/* As when ssh hangs, or a multiplexer is stopped: the last line that fits does so in part. */
/*
 * The kernel empties a terminal by and by: one that was full may take a line again, and then
 * another is torn. So each line is there, whole and in its place, or counted as dropped where it
 * was to be.
 */
static void assert_accounted(char *text, unsigned lines)
{
	unsigned next = 0, number, dropped, times = 0;
	char *line;

	while ((line = strsep(&text, "\r\n")) && strcmp(line, "pinefs: after") != 0) {
		if (sscanf(line, "pinefs: log: lines dropped that couldn't be written: %u",
			   &dropped) == 1) {
			next += dropped;
			times++;
		} else if (strspn(line + strcspn(line, "x"), "x") == 200 &&
			   sscanf(line, "pinefs: %u ", &number) == 1) {
			if (number != next && (!times || number + 1 != next))
				fail_msg("line %u of %u isn't there: %.300s", next, lines, line);
			next = number + 1;
		} /* else a torn one */
	}
	assert_uint_in_range(next, lines, lines + times);
	assert_non_null(text);
	assert_string_equal(text + strspn(text, "\n"), "pinefs: all\r\n");
}

static void test_log_full_terminal_drops_lines(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, saved;
	char *text = calloc(1, LARGE);
	unsigned lines;
	size_t length;

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	saved = begin(slave);
	lines = write_until_full() + 4;
	length = drain(master, text, LARGE);
	pfs_error("after");
	pfs_error("all");
	end(saved);
	assert_int_equal(fcntl(slave, F_GETFL) & O_NONBLOCK, 0);
	(void)drain(master, text + length, LARGE - length);
	assert_accounted(text, lines);
	close(slave);
	close(master);
	free(text);
}

static void test_log_stopped_terminal_drops_lines(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave, saved;
	uint64_t before = pfs_log_dropped();
	char text[300];

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	saved = begin(slave);
	assert_int_equal(tcflow(slave, TCOOFF), 0); /* as by Ctrl-S */
	(void)alarm(60);
	pfs_error("one");
	(void)alarm(0);
	assert_int_equal(pfs_log_dropped(), before + 1);
	assert_int_equal(tcflow(slave, TCOON), 0);
	pfs_error("two");
	end(saved);
	(void)drain(master, text, sizeof(text));
	assert_string_equal(text, "pinefs: log: lines dropped that couldn't be written: 1\r\n"
				  "pinefs: two\r\n");
	close(slave);
	close(master);
}

static void test_log_without_a_reader_goes_on(void **state)
{
	int ends[2], saved;
	uint64_t before = pfs_log_dropped();
	struct capture capture;

	(void)signal(SIGPIPE, SIG_IGN); /* as main does */
	assert_int_equal(pipe(ends), 0);
	saved = begin(ends[1]);
	close(ends[0]);
	pfs_error("one");
	pfs_error("two");
	end(saved);
	close(ends[1]);
	assert_int_equal(pfs_log_dropped(), before + 2);
	capture_begin(&capture);
	pfs_error("three");
	assert_string_equal(capture_end(&capture),
			    "pinefs: log: lines dropped that couldn't be written: 2\n"
			    "pinefs: three\n");
}

/* --- syslog -------------------------------------------------------------------------------- */

/* A syslogd's socket of this type in a new directory, whose path it sets. */
static int listen_as(int type, struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	*address =
		(struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "/tmp/pinefs-test-XXXXXX"};
	assert_non_null(mkdtemp(address->sun_path));
	strcat(address->sun_path, "/log");
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
	return fd;
}

static void stop_listening(int fd, struct sockaddr_un *address)
{
	close(fd);
	unlink(address->sun_path);
	*strrchr(address->sun_path, '/') = '\0';
	rmdir(address->sun_path);
}

/* The next message: its priority, a time as of syslog(3), our name and number, this text. */
static void assert_message(int fd, int priority, const char *text)
{
	char got[PFS_LOG_LINE + 100], wanted[PFS_LOG_LINE + 100];
	ssize_t length = recv(fd, got, sizeof(got) - 1, 0);
	struct tm time = {0};
	const char *rest;

	assert_true(length > 0);
	got[length] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "<%d>", priority);
	assert_memory_equal(got, wanted, strlen(wanted));
	rest = strptime(got + strlen(wanted), "%b %e %H:%M:%S", &time);
	assert_non_null(rest);
	assert_int_equal(rest - got, strlen(wanted) + 15);
	(void)snprintf(wanted, sizeof(wanted), " pinefs[%d]: %s", (int)getpid(), text);
	assert_string_equal(rest, wanted);
}

static void test_log_syslog_messages_have_the_usual_form(void **state)
{
	struct sockaddr_un address;
	struct capture capture;
	int fd = listen_as(SOCK_DGRAM, &address);

	capture_begin(&capture);
	pfs_log_open(PFS_LOG_DEBUG, PFS_LOG_SYSLOG, address.sun_path);
	pfs_error("one %d", 1);
	pfs_warning("two\n");
	pfs_info("three");
	pfs_debug("four");
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	pfs_error("back");
	assert_string_equal(capture_end(&capture), "pinefs: back\n");
	assert_message(fd, 27, "one 1");
	assert_message(fd, 28, "two\\n");
	assert_message(fd, 30, "three");
	assert_message(fd, 31, "four");
	stop_listening(fd, &address);
}

static void assert_entry(int fd, const char *wanted)
{
	char got[PFS_LOG_LINE + 1000];
	ssize_t length = recv(fd, got, sizeof(got) - 1, 0);

	assert_true(length > 0);
	got[length] = '\0';
	assert_string_equal(got, wanted);
}

/* Each field on a line of its own, whatever is in it; those that say nothing are left out. */
static void test_log_journal_has_what_a_line_is_about(void **state)
{
	const struct pfs_log_about whole = {"backups/b", "restore-jobs/a", 503,
					    "req-1\nMESSAGE=forged"},
				   part = {NULL, "", 0, ""};
	struct sockaddr_un address;
	int fd = listen_as(SOCK_DGRAM, &address);

	pfs_log_open(PFS_LOG_INFO, PFS_LOG_JOURNAL, address.sun_path);
	pfs_log_of(PFS_LOG_WARNING, &whole, "api: %s", "a\nPRIORITY=0");
	pfs_log_of(PFS_LOG_INFO, &part, "of nothing");
	pfs_log_of(PFS_LOG_DEBUG, &whole, "not shown");
	pfs_error("plain");
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	assert_entry(
		fd,
		"MESSAGE=api: a\\nPRIORITY=0\nPRIORITY=4\nSYSLOG_IDENTIFIER=pinefs\n"
		"PINEFS_OBJECT=backups/b\nPINEFS_OBJECT=restore-jobs/a\nPINEFS_HTTP_STATUS=503\n"
		"PINEFS_REQUEST_ID=req-1\\nMESSAGE=forged\n");
	assert_entry(fd, "MESSAGE=of nothing\nPRIORITY=6\nSYSLOG_IDENTIFIER=pinefs\n");
	assert_entry(fd, "MESSAGE=plain\nPRIORITY=3\nSYSLOG_IDENTIFIER=pinefs\n");
	stop_listening(fd, &address);
}

/* As systemd sets it for a service whose stderr goes to the journal. */
static void test_log_foreground_is_the_journal_where_stderr_leads_there(void **state)
{
	struct stat stat;
	char own[64];

	assert_int_equal(fstat(STDERR_FILENO, &stat), 0);
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)stat.st_dev, (uintmax_t)stat.st_ino);
	unsetenv("JOURNAL_STREAM");
	assert_int_equal(pfs_log_foreground(), PFS_LOG_STDERR);
	setenv("JOURNAL_STREAM", "1:2", 1);
	assert_int_equal(pfs_log_foreground(), PFS_LOG_STDERR);
	setenv("JOURNAL_STREAM", own, 1);
	assert_int_equal(pfs_log_foreground(),
			 access(PFS_LOG_JOURNAL_PATH, W_OK) ? PFS_LOG_STDERR : PFS_LOG_JOURNAL);
	unsetenv("JOURNAL_STREAM");
}

static void test_log_syslog_that_nobody_reads_drops_lines(void **state)
{
	struct sockaddr_un address;
	int fd = listen_as(SOCK_DGRAM, &address);
	unsigned lines;
	char text[PFS_LOG_LINE + 100];

	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_SYSLOG, address.sun_path);
	lines = write_until_full();
	for (unsigned i = 0; i < lines; i++)
		assert_true(recv(fd, text, sizeof(text), 0) > 0);
	pfs_error("after");
	pfs_error("all");
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	assert_true(lines > 0);
	assert_message(fd, 28, "log: lines dropped that couldn't be written: 4");
	assert_message(fd, 27, "after");
	assert_message(fd, 27, "all");
	stop_listening(fd, &address);
}

static void test_log_journal_that_nobody_reads_drops_lines(void **state)
{
	const struct pfs_log_about about = {.object = "restore-jobs/a"};
	struct sockaddr_un address;
	int fd = listen_as(SOCK_DGRAM, &address);
	unsigned lines;
	char text[PFS_LOG_LINE + 1000];

	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_JOURNAL, address.sun_path);
	lines = write_until_full();
	for (unsigned i = 0; i < lines; i++)
		assert_true(recv(fd, text, sizeof(text), 0) > 0);
	pfs_log_of(PFS_LOG_ERROR, &about, "after");
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	assert_true(lines > 0);
	assert_entry(fd, "MESSAGE=log: lines dropped that couldn't be written: 4\nPRIORITY=4\n"
			 "SYSLOG_IDENTIFIER=pinefs\n");
	assert_entry(fd, "MESSAGE=after\nPRIORITY=3\nSYSLOG_IDENTIFIER=pinefs\n"
			 "PINEFS_OBJECT=restore-jobs/a\n");
	stop_listening(fd, &address);
}

static void test_log_syslog_that_is_started_again_is_found(void **state)
{
	struct sockaddr_un address;
	int fd = listen_as(SOCK_DGRAM, &address);

	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_SYSLOG, address.sun_path);
	pfs_error("one");
	assert_message(fd, 27, "one");
	close(fd); /* and nobody is there: its socket is, and then isn't */
	pfs_error("two");
	unlink(address.sun_path);
	pfs_error("three");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	pfs_error("four");
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	assert_message(fd, 28, "log: lines dropped that couldn't be written: 2");
	assert_message(fd, 27, "four");
	stop_listening(fd, &address);
}

/* Some syslogds have a stream of messages, each with a NUL behind it. */
static void test_log_syslog_of_a_stream_gets_messages_and_holds_up_nobody(void **state)
{
	struct sockaddr_un address;
	int fd = listen_as(SOCK_STREAM, &address), connection;
	unsigned lines;
	char text[PFS_LOG_LINE + 100];
	ssize_t length;

	assert_int_equal(listen(fd, 3), 0);
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_SYSLOG, address.sun_path);
	lines = write_until_full();
	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	assert_true(lines > 0);
	connection = accept(fd, NULL, NULL);
	length = recv(connection, text, sizeof(text), 0);
	assert_true(length > 200);
	assert_int_equal(text[length - 1], '\0');
	assert_int_equal(strlen(text), length - 1);
	assert_non_null(strstr(text, "]: 0 xxx"));
	close(connection);
	stop_listening(fd, &address);
}

/* What one test dropped would be told in the next. */
static int forget_dropped(void **state)
{
	struct capture capture;

	pfs_log_open(PFS_LOG_WARNING, PFS_LOG_STDERR, NULL);
	capture_begin(&capture);
	pfs_error("told");
	(void)capture_end(&capture);
	return 0;
}

int main(void)
{
#define TEST(function) cmocka_unit_test_teardown(function, forget_dropped)
	const struct CMUnitTest tests[] = {
		TEST(test_log_unopened_shows_warnings_only),
		TEST(test_log_debug_level_shows_all),
		TEST(test_log_escapes_what_a_terminal_obeys),
		TEST(test_log_long_message_is_cut_to_one_line),
		TEST(test_log_keeps_errno),
		TEST(test_log_full_pipe_drops_lines_and_says_how_many),
		TEST(test_log_full_socket_drops_lines),
		TEST(test_log_full_terminal_drops_lines),
		TEST(test_log_stopped_terminal_drops_lines),
		TEST(test_log_without_a_reader_goes_on),
		TEST(test_log_syslog_messages_have_the_usual_form),
		TEST(test_log_journal_has_what_a_line_is_about),
		TEST(test_log_foreground_is_the_journal_where_stderr_leads_there),
		TEST(test_log_syslog_that_nobody_reads_drops_lines),
		TEST(test_log_journal_that_nobody_reads_drops_lines),
		TEST(test_log_syslog_that_is_started_again_is_found),
		TEST(test_log_syslog_of_a_stream_gets_messages_and_holds_up_nobody),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

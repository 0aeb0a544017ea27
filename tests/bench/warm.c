/* SPDX-License-Identifier: MIT */
/*
 * warm get HOW ROUNDS PAUSE URL FILE URL2 FILE2...  one GET against one read, alternately
 * warm change CONTROL-URL HOW ROUNDS...            the same, but the object changes before each
 * warm walk URL                                    all pages of a list, one after the other
 * warm each URL COUNT                              that many GETs of it, one after the other
 *
 * The least that a client over HTTP can cost: one libcurl handle, its connection open already,
 * the answer's bytes thrown away (walk: searched for the next page's token). The key is in
 * $PINECONE_API_KEY.
 *
 * get and change print a line a round: ns of the median GET, of the median read and of the slowest
 * read. HOW is "path" for open, read, close, or "open" for a read of a file that stays open. PAUSE
 * is in ms, and longer than an answer holds in the mount; all files of a round are read after one
 * pause, so each read has to ask. walk and each print ns and the number of GETs.
 */
#include <curl/curl.h>
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct body {
	char *bytes;
	size_t length;
	size_t capacity;
};

static int64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
	struct body *body = arg;
	size_t length = size * count;

	if (body->length + length + 1 > body->capacity) {
		body->capacity = 2 * (body->length + length + 1);
		body->bytes = realloc(body->bytes, body->capacity);
		if (!body->bytes)
			return 0;
	}
	memcpy(body->bytes + body->length, bytes, length);
	body->length += length;
	body->bytes[body->length] = '\0';
	return length;
}

static CURL *make_handle(struct body *body)
{
	const char *key = getenv("PINECONE_API_KEY");
	struct curl_slist *headers = NULL;
	char header[200];
	CURL *easy = curl_easy_init();

	(void)snprintf(header, sizeof(header), "Api-Key: %s", key ? key : "");
	headers = curl_slist_append(headers, header);
	if (!easy || !headers)
		errx(1, "libcurl");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, body);
	return easy;
}

static void free_handle(CURL *easy)
{
	struct curl_slist *headers = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &headers);
	curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
}

/* ns that it took. */
static int64_t get(CURL *easy, const char *url, struct body *body)
{
	int64_t begun = now(), ended;
	CURLcode code;
	long status = 0;

	body->length = 0;
	curl_easy_setopt(easy, CURLOPT_URL, url);
	code = curl_easy_perform(easy);
	ended = now();
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (code || status != 200)
		errx(1, "%s: %ld %s", url, status, curl_easy_strerror(code));
	return ended - begun;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* kept: the file's descriptor, or -1. */
static int64_t read_file(const char *path, int kept)
{
	char bytes[8192];
	int64_t begun = now();
	int fd = kept < 0 ? open_file(path) : kept;

	if (pread(fd, bytes, sizeof(bytes), 0) <= 0)
		err(1, "%s", path);
	if (kept < 0)
		close(fd);
	return now() - begun;
}

static void pause_for(int ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	(void)nanosleep(&time, NULL);
}

/* The id is the last part of each URL. */
static void change(CURL *easy, const char *control, const char *url, int round, struct body *body)
{
	char place[500], text[100];

	(void)snprintf(place, sizeof(place), "%s/%s", control, strrchr(url, '/') + 1);
	(void)snprintf(text, sizeof(text), "{\"status\":\"Round%d\"}", 100 + round % 100);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, text);
	(void)get(easy, place, body);
}

struct contest {
	int rounds;
	int pause;	     /* ms */
	const char *control; /* NULL: nothing changes */
	int count;	     /* of pairs */
	char **pairs;	     /* URL, file */
	int *kept;	     /* a descriptor for each pair, or -1 */
	int64_t *gets;	     /* ns of each in this round */
	int64_t *reads;
	CURL *easy;
	CURL *controls;
	struct body body;
};

static int compare_times(const void *a, const void *b)
{
	int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;

	return (first > second) - (first < second);
}

static void sort(int64_t *times, int count)
{
	qsort(times, (size_t)count, sizeof(*times), compare_times);
}

static long long median(const int64_t *times, int count)
{
	return (long long)(times[(count - 1) / 2] + times[count / 2]) / 2;
}

static void run_round(struct contest *contest, int round)
{
	for (int i = 0; contest->control && i < contest->count; i++)
		change(contest->controls, contest->control, contest->pairs[2 * i], round + 1,
		       &contest->body);
	pause_for(contest->pause);
	for (int i = 0; i < contest->count; i++) {
		char **pair = &contest->pairs[2 * i];

		if (i % 2)
			contest->gets[i] = get(contest->easy, pair[0], &contest->body);
		contest->reads[i] = read_file(pair[1], contest->kept[i]);
		if (!(i % 2))
			contest->gets[i] = get(contest->easy, pair[0], &contest->body);
	}
	sort(contest->gets, contest->count);
	sort(contest->reads, contest->count);
	if (round >= 0) /* the first one warms up */
		printf("%lld %lld %lld\n", median(contest->gets, contest->count),
		       median(contest->reads, contest->count),
		       (long long)contest->reads[contest->count - 1]);
}

/* arguments: HOW ROUNDS PAUSE, and the pairs. */
static int compare(const char *control, int count, char *arguments[])
{
	struct contest contest = {
		.rounds = atoi(arguments[1]),
		.pause = atoi(arguments[2]),
		.control = control,
		.count = (count - 3) / 2,
		.pairs = arguments + 3,
	};

	contest.kept = calloc((size_t)contest.count, sizeof(*contest.kept));
	contest.gets = calloc((size_t)contest.count, sizeof(*contest.gets));
	contest.reads = calloc((size_t)contest.count, sizeof(*contest.reads));
	if (!contest.kept || !contest.gets || !contest.reads)
		err(1, "warm");
	for (int i = 0; i < contest.count; i++)
		contest.kept[i] =
			strcmp(arguments[0], "open") ? -1 : open_file(contest.pairs[2 * i + 1]);
	contest.easy = make_handle(&contest.body);
	contest.controls = make_handle(&contest.body);
	for (int round = -1; round < contest.rounds; round++)
		run_round(&contest, round);
	free_handle(contest.easy);
	free_handle(contest.controls);
	free(contest.kept);
	free(contest.gets);
	free(contest.reads);
	free(contest.body.bytes);
	return 0;
}

/* "next":"TOKEN" into the URL of the next page. false: there is none. */
static bool next_page(CURL *easy, const struct body *body, const char *base, char *url, size_t size)
{
	const char *next = body->bytes ? strstr(body->bytes, "\"next\":\"") : NULL;
	char token[300], *escaped;

	if (!next)
		return false;
	next += strlen("\"next\":\"");
	(void)snprintf(token, sizeof(token), "%.*s", (int)strcspn(next, "\""), next);
	escaped = curl_easy_escape(easy, token, 0);
	(void)snprintf(url, size, "%s?paginationToken=%s", base, escaped);
	curl_free(escaped);
	return true;
}

static int walk(const char *base)
{
	struct body body = {0};
	CURL *easy = make_handle(&body);
	char url[1000];
	int64_t begun;
	int pages = 0;

	(void)snprintf(url, sizeof(url), "%s?limit=100", base);
	(void)get(easy, url, &body);
	begun = now();
	do {
		(void)get(easy, url, &body);
		pages++;
	} while (next_page(easy, &body, base, url, sizeof(url)));
	printf("%lld %d\n", (long long)(now() - begun), pages);
	free_handle(easy);
	free(body.bytes);
	return 0;
}

static int each(const char *url, int count)
{
	struct body body = {0};
	CURL *easy = make_handle(&body);
	int64_t begun;

	(void)get(easy, url, &body);
	begun = now();
	for (int i = 0; i < count; i++)
		(void)get(easy, url, &body);
	printf("%lld %d\n", (long long)(now() - begun), count);
	free_handle(easy);
	free(body.bytes);
	return 0;
}

int main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "get") && argc > 6)
		return compare(NULL, argc - 2, argv + 2);
	if (!strcmp(what, "change") && argc > 7)
		return compare(argv[2], argc - 3, argv + 3);
	if (!strcmp(what, "walk") && argc == 3)
		return walk(argv[2]);
	if (!strcmp(what, "each") && argc == 4)
		return each(argv[2], atoi(argv[3]));
	errx(2, "usage: warm get|change|walk|each ..., see the source");
}

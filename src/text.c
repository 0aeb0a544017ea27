/* SPDX-License-Identifier: MIT */
#include "pinefs/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUFFER_MAX   ((size_t)64 << 20)
#define BUFFER_FIRST 64

/* The longest piece that one input character becomes: "\xHH", or four bytes of UTF-8. */
#define PIECE_MAX 4

static const char hex_digits[] = "0123456789abcdef";

/* Make room for extra bytes and the NUL behind them. */
static int reserve(struct pfs_buffer *buffer, size_t extra)
{
	size_t max = buffer->max ? buffer->max : BUFFER_MAX;
	size_t needed;
	size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST;
	char *bytes;

	if (buffer->error)
		return buffer->error;
	if (__builtin_add_overflow(buffer->length, extra, &needed) || needed > max)
		return buffer->error = -EFBIG;
	if (needed < buffer->capacity)
		return 0;

	while (capacity <= needed && capacity <= max / 2)
		capacity *= 2;
	if (capacity <= needed)
		capacity = max + 1;
	bytes = realloc(buffer->bytes, capacity);
	if (!bytes)
		return buffer->error = -ENOMEM;
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return 0;
}

int pfs_buffer_add(struct pfs_buffer *buffer, const void *bytes, size_t length)
{
	int result = reserve(buffer, length);

	if (result < 0)
		return result;
	if (length)
		memcpy(buffer->bytes + buffer->length, bytes, length);
	buffer->length += length;
	buffer->bytes[buffer->length] = '\0';
	return 0;
}

int pfs_buffer_add_string(struct pfs_buffer *buffer, const char *string)
{
	return pfs_buffer_add(buffer, string, strlen(string));
}

int pfs_buffer_format(struct pfs_buffer *buffer, const char *format, ...)
{
	va_list arguments;
	int length;
	int result;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	/* Beyond INT_MAX printf gives up, which is past any bound of ours too. */
	result = reserve(buffer, length < 0 ? SIZE_MAX : (size_t)length);
	if (result < 0)
		return result;
	va_start(arguments, format);
	(void)vsnprintf(buffer->bytes + buffer->length, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t)length;
	return 0;
}

/*
 * Length of the well-formed UTF-8 sequence of two to four bytes at the start, else 0. The ranges
 * are those of Unicode's table 3-7: no overlong forms, no surrogates, nothing past U+10FFFF.
 */
static size_t utf8_length(const unsigned char *bytes, size_t left)
{
	unsigned char first = bytes[0];
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t length;

	if (first < 0xc2 || first > 0xf4)
		return 0;
	length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;

	if (left < length || bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* The letter of the short escape for this byte, or 0. */
static char short_escape(unsigned char byte)
{
	switch (byte) {
	case '\\':
		return '\\';
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	default:
		return '\0';
	}
}

/*
 * Escape the character at the start of bytes (left is at least 1) into piece. Result: how many
 * bytes of piece; ret_used: how many of the input.
 */
static size_t escape_one(const char *bytes, size_t left, char piece[PIECE_MAX], size_t *ret_used)
{
	const unsigned char *in = (const unsigned char *)bytes;
	size_t length = utf8_length(in, left);
	char letter = short_escape(in[0]);

	/* C2 80 to C2 9F are the C1 controls, which terminals obey. */
	if (length && !(in[0] == 0xc2 && in[1] < 0xa0)) {
		memcpy(piece, bytes, length);
		*ret_used = length;
		return length;
	}
	*ret_used = 1;
	if (letter) {
		piece[0] = '\\';
		piece[1] = letter;
		return 2;
	}
	if (in[0] >= 0x20 && in[0] < 0x7f) {
		piece[0] = bytes[0];
		return 1;
	}
	piece[0] = '\\';
	piece[1] = 'x';
	piece[2] = hex_digits[in[0] >> 4];
	piece[3] = hex_digits[in[0] & 0xf];
	return 4;
}

int pfs_buffer_add_escaped(struct pfs_buffer *buffer, const char *bytes, size_t length)
{
	char piece[PIECE_MAX];
	size_t used;
	int result = pfs_buffer_add(buffer, "", 0);

	for (size_t i = 0; i < length && !result; i += used) {
		size_t size = escape_one(bytes + i, length - i, piece, &used);

		result = pfs_buffer_add(buffer, piece, size);
	}
	return result;
}

/* How many bytes at the beginning stand for themselves in a label. */
static size_t plain_length(const char *bytes, size_t length)
{
	size_t plain = 0;

	while (plain < length && bytes[plain] >= ' ' && bytes[plain] < 0x7f &&
	       bytes[plain] != '\\' && bytes[plain] != '"')
		plain++;
	return plain;
}

static size_t add_label_character(struct pfs_buffer *buffer, const char *bytes, size_t length)
{
	const unsigned char *in = (const unsigned char *)bytes;
	size_t used = utf8_length(in, length);

	if (used && !(in[0] == 0xc2 && in[1] < 0xa0)) {
		(void)pfs_buffer_add(buffer, bytes, used);
		return used;
	}
	if (*in == '\\' || *in == '"')
		(void)pfs_buffer_format(buffer, "\\%c", *in);
	else if (*in == '\n')
		(void)pfs_buffer_add_string(buffer, "\\n");
	else
		(void)pfs_buffer_add_string(buffer, "\xef\xbf\xbd");
	return 1;
}

int pfs_buffer_add_label(struct pfs_buffer *buffer, const char *bytes, size_t length)
{
	while (length) {
		size_t used = plain_length(bytes, length);

		if (used)
			(void)pfs_buffer_add(buffer, bytes, used);
		else
			used = add_label_character(buffer, bytes, length);
		bytes += used;
		length -= used;
	}
	return buffer->error;
}

char *pfs_escape(const char *string, char *out, size_t size)
{
	size_t left = strlen(string);
	size_t length = 0;
	char piece[PIECE_MAX];
	size_t used;

	if (!size)
		return out;
	for (; left > 0; string += used, left -= used) {
		size_t count = escape_one(string, left, piece, &used);

		if (count >= size - length)
			break;
		memcpy(out + length, piece, count);
		length += count;
	}
	out[length] = '\0';
	return out;
}

char *pfs_escape_format(char *out, size_t size, const char *format, va_list arguments)
{
	char text[PFS_ESCAPE_MAX];

	(void)vsnprintf(text, sizeof(text), format, arguments);
	return pfs_escape(text, out, size);
}

void pfs_buffer_trim(struct pfs_buffer *buffer)
{
	char *bytes = buffer->bytes ? realloc(buffer->bytes, buffer->length + 1) : NULL;

	if (!bytes)
		return;
	buffer->bytes = bytes;
	buffer->capacity = buffer->length + 1;
}

void pfs_buffer_clear(struct pfs_buffer *buffer)
{
	buffer->length = 0;
	buffer->error = 0;
	if (buffer->bytes)
		buffer->bytes[0] = '\0';
}

void pfs_buffer_finish(struct pfs_buffer *buffer)
{
	if (!buffer)
		return;
	free(buffer->bytes);
	*buffer = (struct pfs_buffer){.max = buffer->max};
}

/* Not isalnum(3): that one asks the locale. */
static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int pfs_buffer_add_url_encoded(struct pfs_buffer *buffer, const char *bytes, size_t length)
{
	int result = pfs_buffer_add(buffer, "", 0);

	for (size_t i = 0; i < length && !result; i++) {
		if (is_alphanumeric(bytes[i]) || memchr("-._~", bytes[i], 4))
			result = pfs_buffer_add(buffer, &bytes[i], 1);
		else
			result = pfs_buffer_format(buffer, "%%%02X", (unsigned char)bytes[i]);
	}
	return result;
}

uint64_t pfs_hash(uint64_t seed, const char *text)
{
	for (; *text; text++)
		seed = (seed ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return seed;
}

bool pfs_is_object_id(const char *name, size_t length)
{
	if (length < 1 || length > 255 || name[0] == '.')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_alphanumeric(name[i]) && !memchr("._-", name[i], 3))
			return false;
	}
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly count digits at *at, a value from low to high; moves *at behind them. */
static bool take_number(const char **at, int count, int low, int high, int *ret_value)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!is_digit((*at)[i]))
			return false;
		value = value * 10 + ((*at)[i] - '0');
	}
	if (value < low || value > high)
		return false;
	*at += count;
	*ret_value = value;
	return true;
}

static bool take_character(const char **at, char c)
{
	/* RFC 3339 lets T and Z be lower case; the rest are no letters. */
	if (**at != c && !(c >= 'A' && c <= 'Z' && **at == c + ('a' - 'A')))
		return false;
	(*at)++;
	return true;
}

/* ".5" and the like as nanoseconds; false if no digit follows the point. */
static bool take_fraction(const char **at, int64_t *ret_ns)
{
	int64_t unit = PFS_SECOND / 10;
	int64_t ns = 0;

	if (!take_character(at, '.') || !is_digit(**at))
		return false;
	for (; is_digit(**at); (*at)++, unit /= 10)
		ns += unit * (**at - '0');
	*ret_ns = ns;
	return true;
}

static bool take_date(const char **at, struct tm *tm)
{
	if (!take_number(at, 4, 0, 9999, &tm->tm_year) || !take_character(at, '-') ||
	    !take_number(at, 2, 1, 12, &tm->tm_mon) || !take_character(at, '-') ||
	    !take_number(at, 2, 1, 31, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return true;
}

/* The offset from UTC in seconds. */
static bool take_zone(const char **at, int64_t *ret_offset)
{
	int sign = **at == '-' ? -1 : 1;
	int hours, minutes;

	if (take_character(at, 'Z')) {
		*ret_offset = 0;
		return true;
	}
	if (!take_character(at, '+') && !take_character(at, '-'))
		return false;
	if (!take_number(at, 2, 0, 23, &hours) || !take_character(at, ':') ||
	    !take_number(at, 2, 0, 59, &minutes))
		return false;
	*ret_offset = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
	return true;
}

int pfs_time_parse(const char *text, int64_t *ret_ns)
{
	struct tm tm = {0};
	int64_t fraction = 0, offset, seconds, ns;
	int day, leap_second;

	/* The seconds stay out of tm: a 60th one would carry over, and hide a 31 April. */
	if (!take_date(&text, &tm) || !take_character(&text, 'T') ||
	    !take_number(&text, 2, 0, 23, &tm.tm_hour) || !take_character(&text, ':') ||
	    !take_number(&text, 2, 0, 59, &tm.tm_min) || !take_character(&text, ':') ||
	    !take_number(&text, 2, 0, 60, &leap_second))
		return -EINVAL;
	if (*text == '.' && !take_fraction(&text, &fraction))
		return -EINVAL;
	if (!take_zone(&text, &offset) || *text)
		return -EINVAL;

	day = tm.tm_mday;
	seconds = timegm(&tm);
	if (tm.tm_mday != day)
		return -EINVAL;
	seconds += leap_second - offset;
	if (__builtin_mul_overflow(seconds, PFS_SECOND, &ns) ||
	    __builtin_add_overflow(ns, fraction, &ns))
		return -EINVAL;
	*ret_ns = ns;
	return 0;
}

char *pfs_time_format(int64_t ns, char *out, size_t size)
{
	int64_t fraction = ns % PFS_SECOND;
	time_t seconds = ns / PFS_SECOND;
	struct tm tm;
	char date[PFS_TIME_SIZE];

	if (fraction < 0) {
		fraction += PFS_SECOND;
		seconds--;
	}
	(void)gmtime_r(&seconds, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out, size, "%s.%06dZ", date, (int)(fraction / 1000));
	return out;
}

const char *pfs_errno_name(int error)
{
	const char *name = error > 0 ? strerrorname_np(error) : NULL;

	return name ? name : "E?";
}

int pfs_seconds_parse(const char *text, int64_t *ret_ns)
{
	const int64_t most = INT64_C(36525) * 24 * 3600;
	bool whole = is_digit(*text);
	int64_t seconds = 0, fraction = 0;

	for (; is_digit(*text); text++) {
		seconds = seconds * 10 + (*text - '0');
		if (seconds > most)
			return -EINVAL;
	}
	if ((*text || !whole) && !take_fraction(&text, &fraction))
		return -EINVAL;
	if (*text || (seconds == most && fraction > 0))
		return -EINVAL;
	*ret_ns = seconds * PFS_SECOND + fraction;
	return 0;
}

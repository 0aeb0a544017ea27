/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include <stdio.h>
#include <unistd.h>

#include "unit.h"

void capture_begin(struct capture *capture)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	capture->file = dup(fileno(file));
	fclose(file);
	capture->saved = dup(STDERR_FILENO);
	assert_true(capture->file >= 0 && capture->saved >= 0);
	dup2(capture->file, STDERR_FILENO);
}

const char *capture_end(struct capture *capture)
{
	ssize_t length = pread(capture->file, capture->text, sizeof(capture->text) - 1, 0);

	dup2(capture->saved, STDERR_FILENO);
	close(capture->saved);
	close(capture->file);
	assert_true(length >= 0);
	capture->text[length] = '\0';
	return capture->text;
}

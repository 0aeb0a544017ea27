/* SPDX-License-Identifier: MIT */
/* table_fixture: tables over the store of store_fixture, of the kinds of three_kinds. */
#ifndef PINEFS_TABLE_FIXTURE_H
#define PINEFS_TABLE_FIXTURE_H

#include "pinefs/table.h"
#include "store_fixture.h"
#include "three_kinds.h"

#define TSV   PFS_TABLE_TSV
#define JSONL PFS_TABLE_JSONL

#define MAX_BYTES 4096
#define MAX_HELD  1000

/* What the jobs' text begins with. */
#define HEADER "restore_job_id\tstatus\tcreated_at\tcompleted_at\tgadget\n"

struct desk {
	struct fixture *store;
	struct pfs_tables *tables;
};

int set_up_table(void **state);
int set_up_roomy_table(void **state); /* the bounds are 64 MiB */
int tear_down_table(void **state);    /* fails if a text is left behind */

/* Ask for the jobs'. */
int ask_table(struct desk *desk, enum pfs_table_format format, struct waiter *waiter);

/* Nothing has to be asked: let the text be made. Its number. */
uint64_t make(struct desk *desk, enum pfs_table_format format);

/* The list says this now, and the text is of that. */
uint64_t list_and_make(struct desk *desk, enum pfs_table_format format, const char *rows);

void assert_text(struct desk *desk, enum pfs_table_format format, uint64_t number,
		 const char *expected);

#endif

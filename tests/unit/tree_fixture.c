/* SPDX-License-Identifier: MIT */
#include "tree_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void render(void *arg, struct pfs_buffer *buffer)
{
	(void)pfs_buffer_add_string(buffer, arg);
}

static const struct pfs_tables_config *tables_config;

void use_tables(const struct pfs_tables_config *config)
{
	tables_config = config;
}

static int create_tables(struct bench *bench)
{
	return tables_config
		       ? pfs_tables_create(bench->store->store, bench->store->loop,
					   &bench->store->stats, tables_config, &bench->tables)
		       : 0;
}

static int create_restores(struct bench *bench)
{
	const struct pfs_restores_config config = {
		.timeout = TIMEOUT,
		.max_commands = COMMANDS_MAX,
	};
	struct fixture *store = bench->store;

	return pfs_restores_create(&store->api, store->store, store->loop, &store->stats, &config,
				   &bench->restores);
}

static struct pfs_history_config history_config = {
	.max_object = 4096, .max_whole = 4096, .max_together = UINT64_MAX};

void use_history(const struct pfs_history_config *config)
{
	history_config = *config;
}

static int begin(void **state, bool restores)
{
	static struct pfs_report reports[3];
	struct pfs_tree_config config = {
		.uid = 12,
		.gid = 34,
		.umask = 0007,
		.ttl = TTL,
		.readme = README,
		.reports = reports,
		.report_count = COUNT(reports),
	};
	struct bench *bench = calloc(1, sizeof(*bench));
	void *store = NULL;

	if (!bench || setup(&store))
		return -1;
	*state = bench;
	bench->store = store;
	reports[0] = (struct pfs_report){"config", render, bench->config, false};
	reports[1] = (struct pfs_report){"stats", render, bench->report, false};
	reports[2] = (struct pfs_report){"inflight", render, bench->report, true};
	strcpy(bench->config, "ttl 5\n");
	strcpy(bench->report, "1\n");
	if (pfs_history_create(bench->store->store, bench->store->loop, &bench->store->stats,
			       &history_config, &bench->history) ||
	    create_tables(bench))
		return -1;
	config.tables = bench->tables;
	if (restores && create_restores(bench))
		return -1;
	config.restores = bench->restores;
	return pfs_tree_create(bench->store->store, bench->history, bench->store->loop, &config,
			       &bench->tree);
}

int setup_tree(void **state)
{
	return begin(state, false);
}

int setup_tree_with_restores(void **state)
{
	use_kinds(&pfs_all_kinds);
	return begin(state, true);
}

int teardown_tree(void **state)
{
	struct bench *bench = *state;
	void *store = bench->store;
	int error;

	pfs_tables_destroy(bench->tables);
	pfs_restores_end(bench->restores);
	error = teardown(&store);
	pfs_restores_destroy(bench->restores);
	pfs_tree_destroy(bench->tree);
	pfs_history_destroy(bench->history);
	pfs_buffer_finish(&bench->buffer);
	free(bench);
	return error;
}

struct pfs_node walk(struct bench *bench, const char *path)
{
	char *parts = strdup(path), *rest = parts, *part;
	struct pfs_node node;
	int64_t holds;

	assert_non_null(parts);
	assert_int_equal(pfs_tree_node(bench->tree, PFS_ROOT_INODE, &node), 0);
	while ((part = strsep(&rest, "/"))) {
		struct pfs_node parent = node;

		if (*part && pfs_tree_lookup(bench->tree, &parent, part, NULL, &node, &holds))
			fail_msg("%s: no %s", path, part);
	}
	free(parts);
	return node;
}

int look_up(struct bench *bench, const char *directory, const char *name)
{
	struct pfs_node parent = walk(bench, directory), node;
	int64_t holds;

	return pfs_tree_lookup(bench->tree, &parent, name, NULL, &node, &holds);
}

const char *names(struct bench *bench, const char *directory, uint64_t cursor)
{
	struct pfs_node node = walk(bench, directory);
	struct pfs_entry entry;
	int64_t holds;
	int more;

	pfs_buffer_clear(&bench->buffer);
	assert_int_equal(pfs_buffer_add_string(&bench->buffer, ""), 0);
	while ((more = pfs_tree_list(bench->tree, &node, cursor, NULL, &entry)) == 1) {
		struct pfs_node same;

		assert_true(entry.cursor > cursor);
		cursor = entry.cursor;
		assert_int_equal(pfs_tree_node(bench->tree, entry.node.inode, &same), 0);
		assert_int_equal(same.type, entry.node.type);
		assert_int_equal(same.inode, entry.node.inode);
		assert_int_equal(same.generation, entry.node.generation);
		assert_ptr_equal(same.object, entry.node.object);
		pfs_buffer_add_string(&bench->buffer, entry.name);
		pfs_buffer_add_string(&bench->buffer, " ");
		if (!strcmp(entry.name, ".") || !strcmp(entry.name, ".."))
			continue;
		assert_int_equal(
			pfs_tree_lookup(bench->tree, &node, entry.name, NULL, &same, &holds), 0);
		assert_int_equal(same.inode, entry.node.inode);
	}
	assert_int_equal(more, 0);
	return bench->buffer.bytes;
}

struct stat attributes(struct bench *bench, const char *path)
{
	struct pfs_node node = walk(bench, path);
	struct stat stat;
	int64_t holds;

	assert_int_equal(pfs_tree_attributes(bench->tree, &node, &stat, &holds), 0);
	assert_int_equal(stat.st_ino, node.inode);
	return stat;
}

int read_node(struct bench *bench, const struct pfs_node *node)
{
	struct pfs_slice bytes;
	int error = pfs_tree_read(bench->tree, node, &bytes);

	pfs_buffer_clear(&bench->buffer);
	return error ? error : pfs_buffer_add(&bench->buffer, bytes.bytes, bytes.length);
}

const char *content(struct bench *bench, const char *path)
{
	struct pfs_node node = walk(bench, path);

	assert_int_equal(read_node(bench, &node), 0);
	assert_int_equal(pfs_buffer_add_string(&bench->buffer, ""), 0);
	return bench->buffer.bytes;
}

void learn_object(struct bench *bench, const char *id, const char *object)
{
	pass(bench->store, TTL_FINAL);
	assert_int_equal(ask(bench->store, id, NULL), -EINPROGRESS);
	fake_api_answer(&bench->store->api, id, object);
}

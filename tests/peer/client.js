// The official TypeScript client, unchanged, against the simulator: what the client makes of
// its answers is the best witness there is that they have the service's form. Prints TAP.
//
// usage: node client.js DIRECTORY
// DIRECTORY holds the node_modules with the client; PINEFS_SIM is the simulator's path.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { createRequire } = require('node:module');
const path = require('node:path');
const readline = require('node:readline');

const { Pinecone } = createRequire(path.resolve(process.argv[2], 'package.json'))(
	'@pinecone-database/pinecone',
);

const KEY = 'pcsk_peer';
const tests = [];

// A test is given a simulator whose restores take an hour, or with isQuick half a second.
function test(name, body, isQuick = false) {
	tests.push({ name, body, isQuick });
}

async function startSimulator(...args) {
	const child = spawn(process.env.PINEFS_SIM, ['--die-with-parent', ...args], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const lines = readline.createInterface({ input: child.stdout });
	const [url] = await Promise.race([
		once(lines, 'line'),
		once(child, 'exit').then(() => {
			throw new Error('the simulator ended before it said where it is');
		}),
	]);
	return { child, url };
}

async function stopSimulator({ child }) {
	const exited = once(child, 'exit');
	child.kill('SIGTERM');
	const [code] = await exited;
	assert.equal(code, 0, 'the simulator ended with an error');
}

function connect(sim, apiKey = KEY) {
	return new Pinecone({ apiKey, controllerHostUrl: sim.url });
}

async function control(sim, endpoint, body, method = 'POST') {
	const response = await fetch(sim.url + endpoint, { method, body: JSON.stringify(body) });
	assert.ok(response.ok, `${endpoint}: ${response.status}`);
	return response.status === 204 ? undefined : response.json();
}

// Ask until what comes is good.
async function poll(ask, isGood) {
	const deadline = Date.now() + 20000;
	for (;;) {
		const answer = await ask();
		if (isGood(answer)) {
			return answer;
		}
		assert.ok(Date.now() < deadline, `still ${JSON.stringify(answer)}`);
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
}

// Does it fail with this error? Another one is passed on.
async function fails(promise, name) {
	try {
		await promise;
	} catch (error) {
		if (error.name !== name) {
			throw error;
		}
		return true;
	}
	return false;
}

async function allPages(client, first) {
	const pages = [];
	let options = first;
	do {
		const page = await client.listRestoreJobs(options);
		pages.push(page.data);
		options = page.pagination?.next ? { paginationToken: page.pagination.next } : undefined;
	} while (options && pages.length < 100);
	return pages;
}

test('lists 250 jobs in three pages', async (sim) => {
	const pages = await allPages(connect(sim));
	assert.deepEqual(pages.map((page) => page.length), [100, 100, 50]);
	assert.equal(new Set(pages.flat().map((job) => job.restoreJobId)).size, 250);
});

test('a full last page is followed by an empty one', async (sim) => {
	const pages = await allPages(connect(sim), { limit: 50 });
	assert.deepEqual(pages.map((page) => page.length), [50, 50, 50, 50, 50, 0]);
});

test('describes each kind of job as the list does', async (sim) => {
	const client = connect(sim);
	const jobs = (await allPages(client)).flat();
	for (const status of ['Completed', 'Failed', 'Cancelled', 'Pending']) {
		const listed = jobs.find((job) => job.status === status);
		assert.ok(listed, status);
		assert.deepEqual(await client.describeRestoreJob(listed.restoreJobId), listed);
	}
});

test('a finished job has times and 100 percent', async (sim) => {
	const client = connect(sim);
	const { data } = await client.listRestoreJobs({ limit: 1 });
	assert.equal(data[0].status, 'Completed');
	assert.equal(data[0].percentComplete, 100);
	assert.ok(data[0].completedAt instanceof Date);
	assert.ok(data[0].completedAt > data[0].createdAt);
});

test('polling sees a job end', async (sim) => {
	const client = connect(sim);
	const { restore_job_id: id } = await control(sim, '/_sim/jobs', { restore_time: 0.3 });
	const deadline = Date.now() + 10000;
	const seen = new Set();
	let job;
	do {
		job = await client.describeRestoreJob(id);
		seen.add(job.status);
	} while (job.status !== 'Completed' && Date.now() < deadline);
	assert.deepEqual([...seen], ['Pending', 'Completed']);
	await control(sim, `/_sim/jobs/${id}`, undefined, 'DELETE');
});

test('an unknown job is the client\'s "not found"', async (sim) => {
	await assert.rejects(connect(sim).describeRestoreJob('nonexistent-job-id'), {
		name: 'PineconeNotFoundError',
		message: `A call to ${sim.url}/restore-jobs/nonexistent-job-id returned HTTP status 404.`,
	});
	// The client drops the service's own words; they are what other clients show.
	const response = await fetch(`${sim.url}/restore-jobs/nonexistent-job-id`, {
		headers: { 'Api-Key': KEY },
	});
	assert.deepEqual(await response.json(), {
		error: { code: 'NOT_FOUND', message: 'Restore job nonexistent-job-id not found.' },
		status: 404,
	});
});

test('a bad key is the client\'s "rejected"', async (sim) => {
	for (const call of ['listRestoreJobs', 'describeRestoreJob']) {
		await assert.rejects(connect(sim, 'not-a-key')[call]('x'), {
			name: 'PineconeAuthorizationError',
			message: /^The API key you provided was rejected while calling /,
		});
	}
});

test('the service\'s words for a bad token reach the user', async (sim) => {
	// This client shows the whole envelope.
	await assert.rejects(connect(sim).listRestoreJobs({ paginationToken: 'bad' }), (error) => {
		assert.equal(error.name, 'PineconeBadRequestError');
		assert.equal(JSON.parse(error.message).error.message, 'Invalid pagination token');
		return true;
	});
});

test('the client retries a 503 and gets its answer', async (sim) => {
	await control(sim, '/_sim/requests', undefined, 'DELETE');
	await control(sim, '/_sim/faults', { match: 'list', count: 2, status: 503 });
	assert.equal((await connect(sim).listRestoreJobs()).data.length, 100);
	assert.equal((await control(sim, '/_sim/requests', undefined, 'GET')).list, 3);
});

test('a 403 carries its message', async (sim) => {
	const message = 'Access denied: Permission control::backups::list is required';
	await control(sim, '/_sim/faults', { match: 'list', count: 1, status: 403 });
	await assert.rejects(connect(sim).listRestoreJobs(), (error) => {
		assert.ok(error.message.includes(message), error.message);
		return true;
	});
});

test('the log shows what the client sent, but not its key', async (sim) => {
	await connect(sim).listRestoreJobs({ limit: 7 });
	const log = await control(sim, '/_sim/log', undefined, 'GET');
	const last = log.at(-1);
	assert.equal(last.target, '/restore-jobs?limit=7');
	assert.match(last.headers['x-pinecone-api-version'], /^20[0-9]{2}-[0-9]{2}$/);
	assert.ok(!JSON.stringify(log).includes(KEY));
});

// As in the client's own tests against the live service.
test('a whole restore: backup, index, counts, and everything deleted again', async (sim) => {
	const client = connect(sim);
	const { indexes } = await client.listIndexes();
	const source = indexes.find((index) => index.status.ready);
	const made = await client.createBackup({
		indexName: source.name,
		name: 'before-upgrade',
		description: 'made by a test',
	});
	assert.equal(made.name, 'before-upgrade');
	assert.equal(made.sourceIndexName, source.name);
	const backup = await poll(
		() => client.describeBackup(made.backupId),
		({ status }) => status === 'Ready',
	);
	const listed = await client.listBackups({ indexName: source.name });
	assert.deepEqual(listed.data.at(-1), backup);

	const restore = await client.createIndexFromBackup({
		backupId: backup.backupId,
		name: 'restored',
		tags: { made: 'by-a-test' },
	});
	assert.ok((await client.listRestoreJobs()).data.length > 0);
	const job = await poll(
		() => client.describeRestoreJob(restore.restoreJobId),
		({ status }) => status === 'Completed',
	);
	assert.equal(job.targetIndexId, restore.indexId);
	const index = await poll(
		() => client.describeIndex('restored'),
		({ status }) => status.ready,
	);
	assert.equal(index.dimension, source.dimension);
	assert.equal(index.metric, source.metric);
	assert.deepEqual(index.tags, { made: 'by-a-test' });
	await assert.rejects(
		client.createIndexFromBackup({ backupId: backup.backupId, name: 'restored' }),
		{ name: 'PineconeConflictError' },
	);

	const stats = await client.index({ name: 'restored' }).describeIndexStats();
	assert.ok(stats.totalRecordCount > 0);
	assert.equal(stats.totalRecordCount, backup.recordCount);

	await client.deleteIndex('restored');
	await poll(() => fails(client.describeIndex('restored'), 'PineconeNotFoundError'), Boolean);
	assert.ok(await fails(client.describeRestoreJob(job.restoreJobId), 'PineconeNotFoundError'));
	await client.deleteBackup(backup.backupId);
	assert.ok(await fails(client.describeBackup(backup.backupId), 'PineconeNotFoundError'));
	const requests = await control(sim, '/_sim/requests', undefined, 'GET');
	assert.equal(requests.delete_index, 1);
	assert.equal(requests.delete_backup, 1);
}, true);

async function main() {
	const still = await startSimulator('--jobs', '250', '--pending', '20', '--restore-time', '3600');
	const quick = await startSimulator('--restore-time', '0.5', '--ready-time', '0.5');
	let failed = 0;

	console.log(`1..${tests.length}`);
	for (const [i, { name, body, isQuick }] of tests.entries()) {
		try {
			await body(isQuick ? quick : still);
			console.log(`ok ${i + 1} - ${name}`);
		} catch (error) {
			failed++;
			console.log(`not ok ${i + 1} - ${name}`);
			console.log(String(error.stack).replace(/^/gm, '# '));
		}
	}
	await stopSimulator(still);
	await stopSimulator(quick);
	process.exitCode = failed ? 1 : 0;
}

main().catch((error) => {
	console.log(`Bail out! ${error.message}`);
	process.exitCode = 1;
});

// poll.js DIRECTORY URL JOB POLLS TICK: ask for a job's status with the official client, which is
// installed in DIRECTORY; POLLS times, one each TICK seconds.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');
const timers = require('node:timers/promises');

const [directory, url, job, polls, tick] = process.argv.slice(2);
const { Pinecone } = createRequire(path.resolve(directory, 'package.json'))(
	'@pinecone-database/pinecone',
);

async function main() {
	const client = new Pinecone({
		apiKey: process.env.PINECONE_API_KEY,
		controllerHostUrl: url,
	});
	const begun = performance.now();

	for (let i = 1; i <= polls; i++) {
		const { status } = await client.describeRestoreJob(job);
		console.log(status);
		if (i < polls)
			await timers.setTimeout(Math.max(0, begun + i * tick * 1000 - performance.now()));
	}
}

main();

// wholesaler.js: the story of doc/wholesaler.md through node-postgres.
'use strict';
const fs = require('fs');
const { Client } = require('pg');

// What the client tells about an act: accepted, or which rule refused it and why.
async function tell(client, role, statement) {
	await client.query(`SET ROLE ${role}`);
	try {
		await client.query(statement);
		return [role, 'accepted'];
	} catch (error) {
		if (!/^KA/.test(error.code ?? ''))
			throw error;
		const detail = JSON.parse(error.detail);
		if (detail.rule !== error.constraint)
			throw new Error(`the detail names rule ${detail.rule}, the constraint is ${error.constraint}`);
		return [role, error.code, error.constraint, detail.actual, detail.limit];
	}
}

async function main() {
	const client = new Client();
	await client.connect();
	for (const act of fs.readFileSync(process.argv[2], 'utf8').trimEnd().split('\n')) {
		const [role, statement] = act.split('\t');
		console.log((await tell(client, role, statement)).join('\t'));
	}
	await client.end();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});

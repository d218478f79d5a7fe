// node.js: reads what a BI tool sees through node-postgres and reports it; see judge.sql.
//
// node-postgres describes nothing itself; tools built on it ask information_schema.
'use strict';
const { Client, types, escapeIdentifier } = require('pg');

const typeNames = Object.fromEntries(Object.entries(types.builtins).map(([name, oid]) => [oid, name]));

function report(...fields) {
	console.log(fields.map((field) => field ?? '').join('\t'));
}

async function readRelation(client, schema, name) {
	const found = await client.query('SELECT table_type FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2', [schema, name]);
	if (found.rows.length === 0)
		return;
	const result = await client.query(`SELECT * FROM ${escapeIdentifier(schema)}.${escapeIdentifier(name)}`);
	for (const field of result.fields) {
		const numeric = field.dataTypeID === types.builtins.NUMERIC && field.dataTypeModifier >= 0;
		const modifier = field.dataTypeModifier - 4;
		report('result', schema, name, field.name, typeNames[field.dataTypeID] ?? `oid ${field.dataTypeID}`,
			numeric ? modifier >> 16 & 65535 : null, numeric ? modifier & 2047 : null, null,
			result.rows.filter((row) => row[field.name] !== null).length);
	}
	report('relation', schema, name, null, found.rows[0].table_type === 'BASE TABLE' ? 'table' : found.rows[0].table_type.toLowerCase(),
		null, null, null, result.rows.length);
}

async function main() {
	const client = new Client();
	await client.connect();
	console.error('node-postgres', require('pg/package.json').version, 'on Node', process.version);
	const wanted = await client.query('SELECT schema_name, relation_name FROM expected.relation');
	for (const { schema_name: schema, relation_name: name } of wanted.rows)
		await readRelation(client, schema, name);
	await client.end();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});

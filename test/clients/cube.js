// cube.js: reads what a BI tool sees through Cube's driver for PostgreSQL and reports it; see judge.sql.
'use strict';
const { PostgresDriver } = require('@cubejs-backend/postgres-driver');

function report(...fields) {
	console.log(fields.map((field) => field ?? '').join('\t'));
}

function quoted(name) {
	return `"${name.replaceAll('"', '""')}"`;
}

async function readRelation(driver, columns, schema, name) {
	if (!columns)
		return;
	for (const column of columns)
		report('catalog', schema, name, column.name, column.type, null, null, null, null);
	// a stream is what Cube builds its own tables from; the whole result answers a question
	const statement = `SELECT * FROM ${quoted(schema)}.${quoted(name)}`;
	const stream = await driver.stream(statement, [], { highWaterMark: 50 });
	let streamed = 0;
	for await (const row of stream.rowStream) // eslint-disable-line no-unused-vars
		streamed++;
	await stream.release();
	const result = await driver.downloadQueryResults(statement, [], {});
	if (streamed !== result.rows.length)
		throw new Error(`${schema}.${name}: ${streamed} rows in a stream, ${result.rows.length} as a whole`);
	for (const column of result.types)
		report('result', schema, name, column.name, column.type, null, null, null, result.rows.filter((row) => row[column.name] !== null).length);
	const kinds = await driver.query('SELECT table_type FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2', [schema, name]);
	report('relation', schema, name, null, kinds[0].table_type === 'BASE TABLE' ? 'table' : kinds[0].table_type.toLowerCase(), null, null, null, streamed);
}

async function main() {
	const driver = new PostgresDriver({
		host: process.env.PGHOST, port: Number(process.env.PGPORT), database: process.env.PGDATABASE, user: process.env.PGUSER,
	});
	await driver.testConnection();
	console.error('Cube postgres-driver', require('@cubejs-backend/postgres-driver/package.json').version, 'on Node', process.version);
	const catalog = await driver.tablesSchema();
	const wanted = await driver.query('SELECT schema_name, relation_name FROM expected.relation');
	for (const { schema_name: schema, relation_name: name } of wanted)
		await readRelation(driver, catalog[schema]?.[name], schema, name);
	await driver.release();
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});

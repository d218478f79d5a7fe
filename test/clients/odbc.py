"""odbc.py: reads what a BI tool sees through ODBC and reports it; see judge.sql."""

import os
import sys

import pyodbc

TYPE_NAMES = {
    pyodbc.SQL_BIGINT: "BIGINT", pyodbc.SQL_INTEGER: "INTEGER", pyodbc.SQL_SMALLINT: "SMALLINT",
    pyodbc.SQL_WLONGVARCHAR: "WLONGVARCHAR", pyodbc.SQL_WVARCHAR: "WVARCHAR", pyodbc.SQL_BIT: "BIT",
    pyodbc.SQL_TYPE_DATE: "DATE", pyodbc.SQL_TYPE_TIMESTAMP: "TIMESTAMP", pyodbc.SQL_NUMERIC: "NUMERIC",
    pyodbc.SQL_DOUBLE: "DOUBLE", pyodbc.SQL_FLOAT: "DOUBLE", pyodbc.SQL_GUID: "GUID",
}


def report(*fields):
    print(*("" if field is None else field for field in fields), sep="\t")


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def pattern(name):
    """A name as a search pattern that means itself."""
    return name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")


def read_relation(connection, schema, name):
    cursor = connection.cursor()
    found = [row for row in cursor.tables(schema=pattern(schema), table=pattern(name)) if row.table_type in ("TABLE", "VIEW")]
    if not found:
        return
    for row in cursor.columns(schema=pattern(schema), table=pattern(name)).fetchall():
        report("catalog", schema, name, row.column_name, TYPE_NAMES.get(row.data_type, f"{row.data_type} {row.type_name}"),
               row.column_size, row.decimal_digits, row.remarks, None)
    cursor.execute(f"SELECT * FROM {quoted(schema)}.{quoted(name)}")
    columns = cursor.description
    rows = cursor.fetchall()
    for i, column in enumerate(columns):
        report("result", schema, name, column[0], column[1].__name__, column[4], column[5], None,
               sum(row[i] is not None for row in rows))
    report("relation", schema, name, None, found[0].table_type.lower(), None, None, found[0].remarks, len(rows))


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    # without the option a boolean comes as text
    connection = pyodbc.connect("DRIVER={PostgreSQL Unicode};BoolsAsChar=0;" + ";".join(
        f"{key}={os.environ[variable]}" for key, variable in
        (("SERVER", "PGHOST"), ("PORT", "PGPORT"), ("DATABASE", "PGDATABASE"), ("UID", "PGUSER"))))
    print("psqlODBC", connection.getinfo(pyodbc.SQL_DRIVER_VER), "with pyodbc", pyodbc.version, file=sys.stderr)
    for schema, name in connection.execute("SELECT schema_name, relation_name FROM expected.relation").fetchall():
        read_relation(connection, schema, name)


main()

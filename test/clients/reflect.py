"""reflect.py: reads what a BI tool sees with psycopg 3, discovers it with SQLAlchemy, and reports it; see judge.sql."""

import os
import sys
import warnings

import psycopg
import sqlalchemy
from psycopg import sql

# SQLAlchemy knows psycopg 3 from its version 2 on
DIALECT = "postgresql+psycopg" if sqlalchemy.__version__ >= "2" else "postgresql+psycopg2"
PYTHON_TYPES = {
    "int2": "int", "int4": "int", "int8": "int", "text": "str", "varchar": "str", "bool": "bool", "date": "date",
    "timestamptz": "datetime", "numeric": "Decimal", "float8": "float", "uuid": "UUID",
}


def report(*fields):
    print(*("" if field is None else field for field in fields), sep="\t")


def read_rows(connection, schema, name):
    """Report the rows, read as text and as binary values, and return their number."""
    statement = sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, name))
    for binary in True, False:
        cursor = connection.cursor(binary=binary)
        rows = cursor.execute(statement).fetchall()
    for i, column in enumerate(cursor.description):
        told = psycopg.adapters.types.get(column.type_code)
        told = PYTHON_TYPES.get(told.name, told.name) if told else f"oid {column.type_code}"
        delivered = {type(row[i]).__name__ for row in rows if row[i] is not None}
        report("result", schema, name, column.name, " ".join(sorted(delivered | {told})), column.precision, column.scale, None,
               sum(row[i] is not None for row in rows))
    return len(rows)


def read_relation(connection, inspector, schema, name):
    if name in inspector.get_table_names(schema=schema):
        kind = "table"
    elif name in inspector.get_view_names(schema=schema):
        kind = "view"
    else:
        return
    for column in inspector.get_columns(name, schema=schema):
        report("catalog", schema, name, column["name"], column["type"].__class__.__name__, getattr(column["type"], "precision", None),
               getattr(column["type"], "scale", None), column["comment"], None)
    comment = inspector.get_table_comment(name, schema=schema)["text"]
    report("relation", schema, name, None, kind, None, None, comment, read_rows(connection, schema, name))


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    # a type that SQLAlchemy does not recognise is a warning to it, and an error here
    warnings.simplefilter("error", sqlalchemy.exc.SAWarning)
    engine = sqlalchemy.create_engine(sqlalchemy.engine.URL.create(DIALECT, username=os.environ["PGUSER"], database=os.environ["PGDATABASE"],
                                                                   query={"host": os.environ["PGHOST"], "port": os.environ["PGPORT"]}))
    print("psycopg", psycopg.__version__, "and SQLAlchemy", sqlalchemy.__version__, "over", DIALECT.split("+")[1], file=sys.stderr)
    inspector = sqlalchemy.inspect(engine)
    with psycopg.connect() as connection:
        for schema, name in connection.execute("SELECT schema_name, relation_name FROM expected.relation").fetchall():
            read_relation(connection, inspector, schema, name)


main()

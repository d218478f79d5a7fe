// Jdbc.java: reads what a BI tool sees through JDBC and reports it; see judge.sql.
//
// Discovery and descriptions come from DatabaseMetaData, as in DBeaver and
// Tableau; rows come in portions.
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.JDBCType;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

public class Jdbc {
	private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

	private static void report(Object... fields) {
		OUT.println(Arrays.stream(fields).map(f -> f == null ? "" : f.toString()).collect(Collectors.joining("\t")));
	}

	private static String typeName(int type, String name) {
		return type == java.sql.Types.OTHER ? "OTHER " + name : JDBCType.valueOf(type).getName();
	}

	public static void main(String[] arguments) throws Exception {
		String url = "jdbc:postgresql://localhost/" + System.getenv("PGDATABASE");
		try (Connection connection = DriverManager.getConnection(url, SocketFactory.properties())) {
			connection.setAutoCommit(false);
			DatabaseMetaData catalog = connection.getMetaData();
			System.err.println(catalog.getDriverName() + " " + catalog.getDriverVersion() + ", Java " + System.getProperty("java.version"));
			List<String[]> wanted = new ArrayList<>();
			try (Statement statement = connection.createStatement();
					ResultSet rows = statement.executeQuery("SELECT schema_name, relation_name FROM expected.relation")) {
				while (rows.next())
					wanted.add(new String[] {rows.getString(1), rows.getString(2)});
			}
			for (String[] relation : wanted)
				readRelation(connection, catalog, relation[0], relation[1]);
		}
		OUT.flush();
	}

	private static void readRelation(Connection connection, DatabaseMetaData catalog, String schema, String name) throws SQLException {
		String escape = catalog.getSearchStringEscape();
		String schemaPattern = schema.replace("_", escape + "_").replace("%", escape + "%");
		String namePattern = name.replace("_", escape + "_").replace("%", escape + "%");
		String kind = null, comment = null;

		try (ResultSet found = catalog.getTables(null, schemaPattern, namePattern, new String[] {"TABLE", "VIEW"})) {
			if (found.next()) {
				kind = found.getString("TABLE_TYPE").toLowerCase();
				comment = found.getString("REMARKS");
			}
		}
		if (kind == null)
			return;
		try (ResultSet found = catalog.getColumns(null, schemaPattern, namePattern, "%")) {
			while (found.next())
				report("catalog", schema, name, found.getString("COLUMN_NAME"), typeName(found.getInt("DATA_TYPE"), found.getString("TYPE_NAME")),
						found.getInt("COLUMN_SIZE"), found.getInt("DECIMAL_DIGITS"), found.getString("REMARKS"), null);
		}
		try (Statement statement = connection.createStatement()) {
			String quote = catalog.getIdentifierQuoteString();
			statement.setFetchSize(50);
			try (ResultSet rows = statement.executeQuery("SELECT * FROM " + quote + schema.replace(quote, quote + quote) + quote
					+ "." + quote + name.replace(quote, quote + quote) + quote)) {
				ResultSetMetaData columns = rows.getMetaData();
				long[] values = new long[columns.getColumnCount()];
				long count = 0;
				for (; rows.next(); count++)
					for (int i = 0; i < values.length; i++)
						values[i] += rows.getObject(i + 1) != null ? 1 : 0;
				for (int i = 0; i < values.length; i++)
					report("result", schema, name, columns.getColumnLabel(i + 1),
							typeName(columns.getColumnType(i + 1), columns.getColumnTypeName(i + 1)),
							columns.getPrecision(i + 1), columns.getScale(i + 1), null, values[i]);
				report("relation", schema, name, null, kind, null, null, comment, count);
			}
		}
	}
}

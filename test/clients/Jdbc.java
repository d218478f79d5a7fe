// Jdbc.java: reads what a BI tool sees through JDBC and reports it; see judge.sql.
//
// Discovery and descriptions come from DatabaseMetaData, as in DBeaver and
// Tableau; rows come in portions. JDBC knows no Unix-domain sockets, and the test
// server listens on nothing else: SocketFactory brings one.
import java.io.InputStream;
import java.io.OutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketImpl;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
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
import java.util.Properties;
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
		Properties properties = new Properties();
		properties.setProperty("user", System.getenv("PGUSER"));
		properties.setProperty("socketFactory", SocketFactory.class.getName());
		properties.setProperty("sslmode", "disable");
		properties.setProperty("gssEncMode", "disable");
		String url = "jdbc:postgresql://localhost/" + System.getenv("PGDATABASE");
		try (Connection connection = DriverManager.getConnection(url, properties)) {
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

	// Makes sockets that lead to the server's socket in the folder PGHOST, wherever they are told to connect.
	public static class SocketFactory extends javax.net.SocketFactory {
		@Override public Socket createSocket() throws IOException {
			return new UnixSocket();
		}
		@Override public Socket createSocket(String host, int port) throws IOException {
			return new UnixSocket();
		}
		@Override public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
			return new UnixSocket();
		}
		@Override public Socket createSocket(InetAddress host, int port) throws IOException {
			return new UnixSocket();
		}
		@Override public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) throws IOException {
			return new UnixSocket();
		}
	}

	private static class UnixSocket extends Socket {
		private final SocketChannel channel;

		UnixSocket() throws IOException {
			super((SocketImpl) null);
			channel = SocketChannel.open(UnixDomainSocketAddress.of(System.getenv("PGHOST") + "/.s.PGSQL." + System.getenv("PGPORT")));
		}
		@Override public void connect(SocketAddress address, int timeout) { }
		@Override public boolean isConnected() {
			return true;
		}
		@Override public boolean isClosed() {
			return !channel.isOpen();
		}
		@Override public void close() throws IOException {
			channel.close();
		}
		@Override public void setTcpNoDelay(boolean on) { }
		@Override public void setKeepAlive(boolean on) { }
		@Override public void setSoTimeout(int timeout) { }
		@Override public int getSoTimeout() {
			return 0;
		}
		@Override public int getSendBufferSize() {
			return 8192;
		}
		@Override public InputStream getInputStream() {
			return new InputStream() {
				@Override public int read() throws IOException {
					byte[] one = new byte[1];
					return read(one, 0, 1) < 0 ? -1 : one[0] & 255;
				}
				@Override public int read(byte[] bytes, int offset, int length) throws IOException {
					return channel.read(ByteBuffer.wrap(bytes, offset, length));
				}
			};
		}
		@Override public OutputStream getOutputStream() {
			return new OutputStream() {
				@Override public void write(int one) throws IOException {
					write(new byte[] {(byte) one}, 0, 1);
				}
				@Override public void write(byte[] bytes, int offset, int length) throws IOException {
					ByteBuffer buffer = ByteBuffer.wrap(bytes, offset, length);
					while (buffer.hasRemaining())
						channel.write(buffer);
				}
			};
		}
	}
}

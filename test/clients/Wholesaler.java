// Wholesaler.java: the story of doc/wholesaler.md through JDBC.
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

public class Wholesaler {
	// What the client tells about an act: accepted, or which rule refused it and why.
	private static String tell(Connection connection, String role, String act) throws SQLException {
		try (Statement statement = connection.createStatement()) {
			statement.execute("SET ROLE " + role);
			statement.execute(act);
			return role + "\taccepted";
		} catch (PSQLException error) {
			if (!error.getSQLState().startsWith("KA"))
				throw error;
			ServerErrorMessage message = error.getServerErrorMessage();
			JsonObject detail = JsonParser.parseString(message.getDetail()).getAsJsonObject();
			if (!detail.get("rule").getAsString().equals(message.getConstraint()))
				throw new IllegalStateException("the detail names rule " + detail.get("rule") + ", the constraint is " + message.getConstraint());
			return String.join("\t", role, error.getSQLState(), message.getConstraint(), number(detail, "actual"), number(detail, "limit"));
		}
	}

	private static String number(JsonObject detail, String name) {
		return detail.get(name).getAsBigDecimal().stripTrailingZeros().toPlainString();
	}

	public static void main(String[] arguments) throws Exception {
		String url = "jdbc:postgresql://localhost/" + System.getenv("PGDATABASE");
		try (Connection connection = DriverManager.getConnection(url, SocketFactory.properties())) {
			for (String line : Files.readAllLines(Path.of(arguments[0]))) {
				String[] act = line.split("\t", 2);
				System.out.println(tell(connection, act[0], act[1]));
			}
		}
	}
}

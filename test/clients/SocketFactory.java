// SocketFactory.java: makes sockets that lead to the server's socket in the folder
// PGHOST, wherever they are told to connect. JDBC knows no Unix-domain sockets, and
// the test server listens on nothing else.
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketImpl;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Properties;

public class SocketFactory extends javax.net.SocketFactory {
	// What a driver needs to connect as PGUSER.
	static Properties properties() {
		Properties properties = new Properties();
		properties.setProperty("user", System.getenv("PGUSER"));
		properties.setProperty("socketFactory", SocketFactory.class.getName());
		properties.setProperty("sslmode", "disable");
		properties.setProperty("gssEncMode", "disable");
		return properties;
	}

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

//! Where clients come in: a port of this machine, or a Unix socket. There are no passwords, so nobody else may.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::exit::{Exit, Failure};

const HELP: &str = "127.0.0.1:PORT, [::1]:PORT or unix:PATH";

/// Both halves of a connection.
pub(super) type Ends = (
    Box<dyn AsyncRead + Send + Unpin>,
    Box<dyn AsyncWrite + Send + Unpin>,
);

/// An open address.
pub(super) enum Listener {
    /// A port.
    Tcp(TcpListener, SocketAddr),
    /// A socket in the file system, removed in the end.
    #[cfg(unix)]
    Unix(tokio::net::UnixListener, PathBuf),
}

impl Listener {
    /// Opens an address.
    pub(super) async fn bind(address: &str) -> Result<Self, Failure> {
        if let Some(path) = address
            .strip_prefix("unix:")
            .filter(|path| !path.is_empty())
        {
            return Self::bind_path(PathBuf::from(path)).await;
        }
        let socket: SocketAddr = address.parse().map_err(|_| {
            Failure::new(Exit::Usage, format!("--listen {address:?} is no address")).help(HELP)
        })?;
        if !socket.ip().is_loopback() {
            let message = format!("--listen {address} would let other machines in");
            return Err(Failure::new(Exit::Usage, message).help(HELP));
        }
        let refused = |error: std::io::Error| {
            let message = format!("{address} can't be listened on: {error}");
            Failure::new(Exit::File, message)
                .help("name another port with --listen, or 0 for a free one")
        };
        let listener = TcpListener::bind(socket).await.map_err(refused)?;
        let socket = listener.local_addr().map_err(refused)?;
        Ok(Self::Tcp(listener, socket))
    }

    #[cfg(unix)]
    async fn bind_path(path: PathBuf) -> Result<Self, Failure> {
        use std::os::unix::fs::FileTypeExt as _;

        let refused = |why: String| {
            let message = format!("unix:{} can't be listened on: {why}", path.display());
            Failure::new(Exit::File, message)
        };
        // A socket that nobody listens on was left by a process that was killed.
        if let Ok(found) = std::fs::symlink_metadata(&path) {
            if !found.file_type().is_socket() {
                return Err(refused("a file is there".to_owned()));
            }
            if tokio::net::UnixStream::connect(&path).await.is_ok() {
                return Err(refused("somebody listens there".to_owned()));
            }
            let _ = std::fs::remove_file(&path);
        }
        let listener =
            tokio::net::UnixListener::bind(&path).map_err(|error| refused(error.to_string()))?;
        Ok(Self::Unix(listener, path))
    }

    #[cfg(not(unix))]
    async fn bind_path(_: PathBuf) -> Result<Self, Failure> {
        let message = "this system has no Unix sockets";
        Err(Failure::new(Exit::Usage, message).help(HELP))
    }

    /// The address, as a client names it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Tcp(_, socket) => socket.to_string(),
            #[cfg(unix)]
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    /// Waits for the next client.
    pub(super) async fn accept(&self) -> std::io::Result<Ends> {
        match self {
            Self::Tcp(listener, _) => {
                let (stream, _) = listener.accept().await?;
                // An answer is one small packet: it must not wait for another.
                stream.set_nodelay(true)?;
                let (input, output) = stream.into_split();
                Ok((Box::new(input), Box::new(output)))
            }
            #[cfg(unix)]
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                let (input, output) = stream.into_split();
                Ok((Box::new(input), Box::new(output)))
            }
        }
    }
}

#[cfg(unix)]
impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}

//! Connections, bounded: so many at once, and none that is silent for ever.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::tls::Tls;

/// The most connections at once. Past it new ones wait in the system's backlog.
pub const MOST_CONNECTIONS: usize = 8_192;

/// A connection on which nothing comes or goes for this long, up to twice of it, is closed. Longer than any answer takes.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// How long a client may take to shake hands.
const GREETED_WITHIN: Duration = Duration::from_secs(10);

/// How long is waited after the system could not accept a connection (mostly: no file descriptors).
const PAUSE: Duration = Duration::from_millis(200);

/// A listener that hands out so many connections and no more, and over TLS only those that have shaken hands.
#[derive(Debug)]
pub(super) struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
    tls: Option<Arc<Tls>>,
    /// Connections that shake hands: none waits for another.
    greeting: JoinSet<Option<(Stream, SocketAddr)>>,
}

impl Bounded {
    pub(super) fn new(listener: TcpListener, tls: Option<Arc<Tls>>) -> Self {
        let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        Bounded { listener, room, tls, greeting: JoinSet::new() }
    }
}

impl Listener for Bounded {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        loop {
            tokio::select! {
                (connection, peer) = connection(&self.listener, &self.room) => match &self.tls {
                    None => return (Stream::Plain(connection), peer),
                    Some(tls) => drop(self.greeting.spawn(greet(tls.acceptor(), connection, peer))),
                },
                Some(greeted) = self.greeting.join_next(), if !self.greeting.is_empty() => {
                    if let Ok(Some(done)) = greeted {
                        return done;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The next connection, once there is room for one. Dropped before, it takes none.
async fn connection(listener: &TcpListener, room: &Arc<Semaphore>) -> (Connection, SocketAddr) {
    // The semaphore is never closed.
    let room = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, %peer, "small answers may be delayed");
                }
                return (Connection::new(stream, room, LONGEST_SILENCE), peer);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Shakes hands. A client that cannot is gone, and told of to who looks for it.
async fn greet(
    acceptor: TlsAcceptor,
    connection: Connection,
    peer: SocketAddr,
) -> Option<(Stream, SocketAddr)> {
    match tokio::time::timeout(GREETED_WITHIN, acceptor.accept(connection)).await {
        Ok(Ok(stream)) => Some((Stream::Tls(Box::new(stream)), peer)),
        Ok(Err(error)) => {
            tracing::debug!(%error, %peer, "a connection did not come to be over TLS");
            None
        }
        Err(_) => {
            tracing::debug!(%peer, "a connection did not come to be over TLS within {GREETED_WITHIN:?}");
            None
        }
    }
}

/// A connection, plain or over TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Connection),
    Tls(Box<TlsStream<Connection>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Connected<IncomingStream<'_, Bounded>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Bounded>) -> Self {
        Peer(*stream.remote_addr())
    }
}

/// A connection that ends when it is silent for too long.
///
/// Traffic only sets a flag. The timer looks at the flag when it fires, so that a busy connection costs no timer work.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    timer: Pin<Box<Sleep>>,
    silence: Duration,
    heard: bool,
    _room: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn new(stream: TcpStream, room: Option<OwnedSemaphorePermit>, silence: Duration) -> Self {
        Connection {
            stream,
            timer: Box::pin(tokio::time::sleep(silence)),
            silence,
            heard: false,
            _room: room,
        }
    }

    /// Ready once the connection was silent for too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.timer.as_mut().poll(cx));
        while std::mem::take(&mut self.heard) {
            let next = self.timer.deadline().checked_add(self.silence);
            self.timer.as_mut().reset(next.unwrap_or_else(far));
            ready!(self.timer.as_mut().poll(cx));
        }
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the connection was silent for too long"))
    }
}

/// As good as never.
fn far() -> Instant {
    tokio::time::sleep(Duration::MAX).deadline()
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending => self.poll_silence(cx).map(Err),
            read => {
                self.heard = true;
                read
            }
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Pending => self.poll_silence(cx).map(Err),
            written => {
                self.heard = true;
                written
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write_vectored(cx, bufs) {
            Poll::Pending => self.poll_silence(cx).map(Err),
            written => {
                self.heard = true;
                written
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_silent_connection_ends_and_a_busy_one_does_not() {
        let silence = Duration::from_millis(150);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = Connection::new(stream, None, silence);
        let mut byte = [0];
        for _ in 0..10 {
            tokio::time::sleep(silence / 3).await;
            client.write_all(b"x").await.unwrap();
            connection.read_exact(&mut byte).await.unwrap();
        }
        let error =
            tokio::time::timeout(silence * 10, connection.read(&mut byte)).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

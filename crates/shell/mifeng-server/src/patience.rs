//! A limit on slow readers: who takes nothing of an answer for a while loses the connection.
//!
//! Nothing is measured while the system takes what is written: a listener to a silent feed may be silent too.

use crate::limits::{WRITE_LEN_MIN, WRITE_TIME};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// A connection whose other side must go on reading.
pub(crate) struct Patient<T> {
    io: T,
    /// When patience ends; set while the other side is behind.
    end: Option<Pin<Box<Sleep>>>,
    /// Bytes that went since then.
    went: usize,
}

impl<T> Patient<T> {
    pub(crate) fn new(io: T) -> Self {
        Patient {
            io,
            end: None,
            went: 0,
        }
    }

    fn catch_up(&mut self) {
        (self.end, self.went) = (None, 0);
    }

    /// Judges one write of `wanted` bytes.
    fn judge(
        &mut self,
        cx: &mut Context<'_>,
        wanted: usize,
        done: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match done {
            Poll::Ready(Ok(len)) => {
                self.went = self.went.saturating_add(len);
                if len == wanted || self.went >= WRITE_LEN_MIN {
                    self.catch_up();
                }
                Poll::Ready(Ok(len))
            }
            Poll::Pending => {
                let end = || Box::pin(tokio::time::sleep(WRITE_TIME));
                match self.end.get_or_insert_with(end).as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                    Poll::Pending => Poll::Pending,
                }
            }
            failed => failed,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Patient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patient<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.io).poll_write(cx, buf);
        self.judge(cx, buf.len(), done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = bufs.iter().map(|buf| buf.len()).sum();
        let done = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.judge(cx, wanted, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.io).poll_flush(cx);
        self.judge(cx, 0, done.map_ok(|()| 0)).map_ok(|_| ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.io).poll_shutdown(cx);
        self.judge(cx, 0, done.map_ok(|()| 0)).map_ok(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let built = builder.enable_time().start_paused(true).build();
        built.unwrap_or_else(|e| unreachable!("{e}"))
    }

    #[test]
    fn who_reads_nothing_is_given_up() {
        runtime().block_on(async {
            let (here, _there) = duplex(1_000);
            let mut here = Patient::new(here);
            let started = tokio::time::Instant::now();
            let failed = here.write_all(&[0; 5_000]).await.map_err(|e| e.kind());
            assert_eq!(failed, Err(io::ErrorKind::TimedOut));
            assert_eq!(started.elapsed().as_secs(), WRITE_TIME.as_secs());
        });
    }

    #[test]
    fn a_trickle_is_not_enough_and_a_slow_reader_is() {
        for (each, patient) in [(10, false), (WRITE_LEN_MIN / 4, true)] {
            runtime().block_on(async {
                let (here, mut there) = duplex(WRITE_LEN_MIN);
                let mut here = Patient::new(here);
                tokio::spawn(async move {
                    let mut piece = vec![0; each];
                    while there.read_exact(&mut piece).await.is_ok() {
                        tokio::time::sleep(WRITE_TIME / 6).await;
                    }
                });
                let sent = here.write_all(&vec![0; 8 * WRITE_LEN_MIN]).await;
                assert_eq!(sent.is_ok(), patient, "{each} bytes at a time");
            });
        }
    }

    #[test]
    fn silence_is_no_fault_of_the_listener() {
        runtime().block_on(async {
            let (here, mut there) = duplex(1_000);
            let mut here = Patient::new(here);
            for _ in 0..3 {
                here.write_all(b"event").await.unwrap_or_default();
                tokio::time::sleep(10 * WRITE_TIME + Duration::from_secs(1)).await;
            }
            let mut came = [0; 15];
            let read = there.read_exact(&mut came).await;
            assert_eq!((read.ok(), &came[..5]), (Some(15), &b"event"[..]));
        });
    }
}

//! Bodies of requests in memory: read within their limits, and never more of them at a time than there is room for.
//!
//! Small ones need no place, so that nobody who sends large ones keeps a bid's record out. Blocks of uploads, whose senders
//! were judged, have a room of their own.

use crate::limits::{BLOCKS_HELD_MAX, BODY_TIME, PIECE_LEN, PLACE_TIME, RECORDS_HELD_MAX};
use crate::problem::Fail;
use crate::reading::Readers;
use crate::words::Fault;
use axum::body::{Body, Bytes};
use http_body_util::BodyExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for bodies of one sort.
#[derive(Clone)]
pub(crate) struct Room {
    pieces: Arc<Semaphore>,
}

/// A body that came, and the room that it takes until it goes.
pub(crate) struct Held {
    bytes: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

impl Held {
    /// The body. Whoever works on it elsewhere takes the whole of this along: the work may outlast the request.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// The rooms of a host.
pub(crate) struct Rooms {
    pub(crate) records: Room,
    pub(crate) blocks: Room,
    /// Of those who read what was sent.
    pub(crate) readers: Readers,
}

impl Rooms {
    pub(crate) fn new() -> Self {
        Rooms {
            records: Room::new(RECORDS_HELD_MAX),
            blocks: Room::new(BLOCKS_HELD_MAX),
            readers: Readers::new(),
        }
    }
}

impl Room {
    fn new(len: usize) -> Self {
        Room {
            pieces: Arc::new(Semaphore::new(len / PIECE_LEN)),
        }
    }

    /// Reads a body within its limits of size and time.
    pub(crate) async fn read(&self, body: Body, len_max: usize) -> Result<Held, Fail> {
        let whole = tokio::time::timeout(BODY_TIME, self.collect(body, len_max));
        whole.await.unwrap_or_else(|_| Err(Fault::TooSlow.into()))
    }

    async fn collect(&self, mut body: Body, len_max: usize) -> Result<Held, Fail> {
        let mut bytes = Vec::new();
        let mut place: Option<OwnedSemaphorePermit> = None;
        // One piece needs no place.
        let mut room = PIECE_LEN;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Fault::Cut)?.into_data() else {
                continue;
            };
            let len = bytes.len() + data.len();
            if len > len_max {
                return Err(Fault::TooLarge.into());
            }
            if len > room {
                let more = (len - room).div_ceil(PIECE_LEN);
                let permit = self.places(more).await?;
                match &mut place {
                    Some(place) => place.merge(permit),
                    None => place = Some(permit),
                }
                room += more * PIECE_LEN;
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Held {
            bytes: bytes.into(),
            _place: place,
        })
    }

    /// Room for `len` bytes that are read from somewhere else.
    pub(crate) async fn hold(&self, len: usize) -> Result<Held, Fail> {
        let place = match len.saturating_sub(PIECE_LEN).div_ceil(PIECE_LEN) {
            0 => None,
            more => Some(self.places(more).await?),
        };
        Ok(Held {
            bytes: Bytes::new(),
            _place: place,
        })
    }

    async fn places(&self, count: usize) -> Result<OwnedSemaphorePermit, Fail> {
        let count = u32::try_from(count).map_err(|_| Fault::TooLarge)?;
        let permit = Arc::clone(&self.pieces).acquire_many_owned(count);
        match tokio::time::timeout(PLACE_TIME, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Fault::NoRoom.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let built = builder.enable_time().start_paused(true).build();
        built.unwrap_or_else(|e| unreachable!("{e}"))
    }

    fn code(read: Result<Held, Fail>) -> Result<usize, String> {
        read.map(|held| held.bytes.len()).map_err(|no| no.code)
    }

    #[test]
    fn a_full_room_refuses_large_bodies_and_never_small_ones() {
        runtime().block_on(async {
            let room = Room::new(4 * PIECE_LEN);
            let read = |len: usize| room.read(Body::from(vec![7; len]), 8 * PIECE_LEN);
            let first = read(3 * PIECE_LEN).await;
            let Ok(first) = first else { unreachable!() };
            assert_eq!(first.bytes.len(), 3 * PIECE_LEN);
            assert_eq!(room.pieces.available_permits(), 2);
            assert_eq!(
                code(read(4 * PIECE_LEN).await),
                Err("http.no-room".to_owned())
            );
            assert_eq!(code(read(PIECE_LEN).await), Ok(PIECE_LEN));
            assert_eq!(code(read(3 * PIECE_LEN).await), Ok(3 * PIECE_LEN));
            assert_eq!(code(room.hold(PIECE_LEN).await), Ok(0));
            let more = room.hold(PIECE_LEN + 1).await;
            assert_eq!(room.pieces.available_permits(), 1);
            drop((first, more));
            assert_eq!(room.pieces.available_permits(), 4);
            let long = read(8 * PIECE_LEN + 1).await;
            assert_eq!(code(long), Err("http.too-large".to_owned()));
            assert_eq!(room.pieces.available_permits(), 4);
        });
    }

    #[test]
    fn one_that_never_ends_gives_its_place_back() {
        runtime().block_on(async {
            let room = Room::new(4 * PIECE_LEN);
            let first = futures_util::stream::once(async {
                Ok::<_, std::io::Error>(Bytes::from(vec![0; 2 * PIECE_LEN]))
            });
            let never = futures_util::StreamExt::chain(first, futures_util::stream::pending());
            let read = room.read(Body::from_stream(never), 8 * PIECE_LEN).await;
            assert_eq!(code(read), Err("http.too-slow".to_owned()));
            assert_eq!(room.pieces.available_permits(), 4);
        });
    }
}

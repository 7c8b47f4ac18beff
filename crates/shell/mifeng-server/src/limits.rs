//! Every limit of the host, each with its reason.

use std::time::Duration;

/// Bytes of one block of an upload: the block of the seal's own tree (spec/envelope.md).
pub const BLOCK_LEN: u64 = 1 << 20;
/// Bytes of the largest sealed bid: drawings of large works are some gigabytes.
pub const BID_LEN_MAX: u64 = 16 << 30;
/// Bytes that unfinished uploads of one certificate to one tender may take together.
pub const UPLOADS_LEN_MAX: u64 = 120 << 30;
/// Unfinished uploads of one certificate, beside one for each lot: a bid is replaced a few times.
pub const UPLOADS_BESIDE_LOTS: usize = 8;
/// Bytes of a record as it travels: a body of 4 MiB and its signature in base64, with the frame.
pub const RECORD_LEN_MAX: usize = 6 << 20;
/// Bytes of a tender document or contract that comes with a record; it is held in memory once.
pub const DOCUMENT_LEN_MAX: usize = 64 << 20;
/// Bytes of a cosigned head, a time stamp or a revocation list.
pub const EVIDENCE_LEN_MAX: usize = 4 << 20;
/// Orders that wait for one writer: more than bidders come in one beat; beyond it the answer is "try again".
pub const ORDERS_MAX: usize = 4_096;
/// Receipts kept in memory for those who ask again; older ones are made anew from the log.
pub const RECEIPTS_KEPT: usize = 8_192;
/// Connections at a time. Each costs some kilobytes; 2,000 bidders and an audience fit.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Listeners to the feed of one tender.
pub const LISTENERS_MAX: usize = 2_048;
/// Time in which the header of a request must have come.
pub const HEADER_TIME: Duration = Duration::from_secs(10);
/// Time in which the body of a request must have come: 1 MiB at 35 kB/s.
pub const BODY_TIME: Duration = Duration::from_secs(30);
/// Silence after which the feed says that it is still there.
pub const FEED_SILENCE: Duration = Duration::from_secs(15);
/// Time that requests have to end when the host is told to stop.
pub const GRACE: Duration = Duration::from_secs(10);
/// Bytes of one answer's header that a caller may influence (its language).
pub const LANGUAGE_LEN_MAX: usize = 256;

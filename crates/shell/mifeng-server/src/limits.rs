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
/// Announced contracts whose text is awaited: one for each lot, and some that were written anew.
pub const DOCUMENTS_AWAITED: usize = 128;
/// Bytes of a cosigned head, a time stamp or a revocation list.
pub const EVIDENCE_LEN_MAX: usize = 4 << 20;
/// Orders that wait for one writer: more than bidders come in one beat; beyond it the answer is "try again".
pub const ORDERS_MAX: usize = 4_096;
/// Orders among them that nobody signed (cosigned heads, stamps, beacons, documents): some witnesses and authorities come at
/// once, and whoever sends more takes no place from a bid.
pub const UNSIGNED_MAX: usize = 64;
/// Records that wait behind bids that are being read: questions, withdrawals, the agency's acts. More are told to come again.
pub const BEHIND_MAX: usize = 256;
/// Orders among them by certificates that the tender does not recognise: anybody makes such certificates, and who floods a
/// tender with them keeps no bid out. Before the notice nobody is recognised.
pub const STRANGERS_MAX: usize = 64;
/// Time after which an upload of which nothing more came is forgotten: whoever was cut off over a weekend goes on.
pub const UPLOAD_IDLE: Duration = Duration::from_secs(72 * 3_600);
/// Receipts kept in memory for those who ask again; older ones are made anew from the log.
pub const RECEIPTS_KEPT: usize = 8_192;
/// Bytes that bodies are counted in; so much of each body needs no room, so that a bid's record (some 10 KiB) always
/// gets in: with all connections at once that is 512 MiB.
pub const PIECE_LEN: usize = 64 << 10;
/// Bytes of large records, evidence and orders in memory at a time: what every stranger may send.
pub const RECORDS_HELD_MAX: usize = 128 << 20;
/// Bytes of blocks of uploads in memory at a time: 256 senders' blocks.
pub const BLOCKS_HELD_MAX: usize = 256 << 20;
/// Time that a body waits for room: then it is told to come again.
pub const PLACE_TIME: Duration = Duration::from_secs(2);
/// Connections at a time, if the limit of open files allows. Each costs some kilobytes; 2,000 bidders and an audience fit.
pub const CONNECTIONS_MAX: usize = 8_192;
/// Connections below which the host does not start.
pub const CONNECTIONS_MIN: usize = 16;
/// Descriptors that are never given to connections: the runtime's, the program's, and some to spare.
pub const DESCRIPTORS_KEPT: u64 = 128;
/// Descriptors of one tender: its store's files or connections, a bid being opened, a bundle being made.
pub const DESCRIPTORS_OF_TENDER: u64 = 16;
/// Threads that work on files and signatures for those who ask: a disk takes no more at once.
pub const BLOCKING_MAX: usize = 64;
/// Of these threads so many work at lists of sessions, grants and refusals at once, for all tenders: the database has one
/// connection for them, and while it does not answer the others read blocks and check signatures.
pub const LISTS_AT_ONCE: usize = 8;
/// So long one waits for a turn at a tender's lists and for such a place, both together.
pub const LISTS_WAIT: Duration = Duration::from_secs(2);
/// Requests for public pages and files on one connection: a proxy's connection serves a hall full of people.
pub const READS_EVERY: Duration = Duration::from_millis(5);
/// Such requests at once.
pub const READS_RESERVE: u32 = 1_000;
/// Records of one certificate for one tender: a bid for each of 64 lots, replaced in the last minute, is far fewer.
pub const SIGNED_EVERY: Duration = Duration::from_millis(125);
/// Such records at once.
pub const SIGNED_RESERVE: u32 = 512;
/// Bytes of a statement that signs in or grants: a certificate chain and a few words.
pub const STATEMENT_LEN_MAX: usize = 64 << 10;
/// Bytes of all grants of a tender, those that are over included.
pub const GRANTS_LEN_MAX: u64 = 64 << 20;
/// Between two times that the list of sessions is cut where it is needed no more: some sign-ins share the cost.
pub const SESSIONS_CUT_EVERY: u64 = 64;
/// Bytes of the journal of refusals of a tender; beyond it refusals are counted, one line a minute.
pub const JOURNAL_LEN_MAX: u64 = 64 << 20;
/// Bytes among them of refusals that nobody signed with a certificate that counts; beyond it those are counted, one line a
/// minute, and take no more room from the others.
pub const JOURNAL_STRANGERS_MAX: u64 = 16 << 20;
/// Between two looks for lines of the journal that are due.
pub const JOURNAL_EVERY: Duration = Duration::from_secs(10);
/// Time in which a reader who is behind must have taken [`WRITE_LEN_MIN`] bytes, or all that waits.
pub const WRITE_TIME: Duration = Duration::from_secs(30);
/// Bytes that a reader who is behind takes in [`WRITE_TIME`]: 4 kB/s, a line on which no bid could be sent.
pub const WRITE_LEN_MIN: usize = 128 << 10;
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
/// How long who fetches an anchor log waits for the keeper's first look at it, just after a start: a database may be slow to answer.
pub const ANCHOR_FIRST_LOOK: Duration = Duration::from_secs(5);
/// Between two looks of the anchor log's keeper at the snapshots: what changed meanwhile is one entry for each tender.
pub const ANCHOR_LOOK: Duration = Duration::from_millis(200);
/// Between two openings of the anchor log, whoever asks.
pub const ANCHOR_SPACING: Duration = Duration::from_millis(100);
/// After a failure of the anchor log.
pub const ANCHOR_RETRY: Duration = Duration::from_secs(1);
/// An anchor log that was looked at so long ago is looked at again when somebody fetches it: another replica may write it.
pub const ANCHOR_FRESH: Duration = Duration::from_secs(3);
/// So long may another process have the anchor log before that is told as a fault: a command has it for the instant of one
/// entry.
pub const ANCHOR_HELD_MAX: Duration = Duration::from_secs(30);
/// So long the end of the host waits for a keeper that is in an opening which does not end, as of a disk that hangs. It
/// leaves nothing half-done: what it could not do is found again at the next start.
pub const ANCHOR_STOP_MAX: Duration = Duration::from_secs(5);
/// Between two looks whether it has ended.
pub const ANCHOR_STOP_LOOK: Duration = Duration::from_millis(20);
/// Orders that wait for the anchor log's keeper: some witnesses come at once, and one turn serves them all.
pub const ANCHOR_ORDERS_MAX: usize = 16;
/// Bytes of one answer's header that a caller may influence (its language).
pub const LANGUAGE_LEN_MAX: usize = 256;
/// Lines of the log that wait to be written: some seconds of a rush. Those beyond are counted.
pub const LOG_LINES_MAX: usize = 8_192;
/// After so many lines those that found no room are told, however many still wait: twice while a full queue is written.
pub const LOG_LOST_EVERY: usize = LOG_LINES_MAX / 2;
/// So long the end of the host waits for the last lines of the log: whoever reads it may have stopped.
pub const LOG_END_MAX: Duration = Duration::from_secs(1);
/// An internal error of which no more may be told than that there was one is told so often.
pub const LOG_FAULT_EVERY: Duration = Duration::from_secs(60);

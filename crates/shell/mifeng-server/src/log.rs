//! What a running host says of itself: one line for each event and each answered request, on standard error or wherever it
//! is told to.
//!
//! Nobody waits for it: lines go through a queue of bounded length to a thread of their own, and those for which there is no
//! room are counted and told. What stands in a line is what its types have room for: no address, no certificate, no token, no
//! path as it was asked for. Which requests are told at all is [`crate::routes`]' table.

use crate::clock::{Clock, SystemClock};
use crate::limits::{LOG_END_MAX, LOG_LINES_MAX, LOG_LOST_EVERY};
use crate::words::Lang;
use mifeng::crypto::Time;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people: events in one language, and requests.
    Text(Lang),
    /// For programs: one JSON object a line, events in both languages.
    Json,
    /// For people, without requests.
    Events(Lang),
}

/// How much an event is the operator's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Info,
    /// Something is to be looked at.
    Warn,
    /// Something does not work.
    Error,
}

/// What happens in the running of a house; never who or how many.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// How grave it is.
    pub level: Level,
    /// Stable code.
    #[serde(rename = "event")]
    pub code: &'static str,
    /// The tender that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tender: Option<String>,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl Event {
    /// Something about the whole house.
    pub fn new(level: Level, code: &'static str, zh: String, en: String) -> Self {
        Event {
            level,
            code,
            tender: None,
            zh,
            en,
        }
    }

    /// Something about one tender.
    #[must_use]
    pub fn of(self, tender: &str) -> Self {
        Event {
            tender: Some(tender.to_owned()),
            ..self
        }
    }
}

/// A request that was answered, or whose caller went away before.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) method: &'static str,
    /// As in the OpenAPI document; none for an address at which there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<&'static str>,
    /// A tender that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tender: Option<String>,
    /// None if nobody was there any more to be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Of the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// From the request's header to the answer's.
    pub(crate) ms: u64,
    /// Bytes of the body, as its header says.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub(crate) came: Option<u64>,
    #[serde(rename = "out", skip_serializing_if = "Option::is_none")]
    pub(crate) went: Option<u64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Event(Event),
    Asked(Asked),
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    /// Of an event it is its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<Level>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(flatten)]
    said: &'a Said,
}

enum Order {
    Write(Time, Said),
    /// Everything before it is written: tell so.
    End(SyncSender<()>),
}

struct Inner {
    form: Form,
    queue: SyncSender<Order>,
    dropped: Arc<AtomicU64>,
}

/// The log of a host; clones are one.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<Inner>>);

impl Log {
    /// Lines go to `out`, each whole, by a thread of their own.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(form: Form, out: Box<dyn Write + Send>) -> std::io::Result<Self> {
        let (queue, orders) = sync_channel(LOG_LINES_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&dropped);
        let thread = std::thread::Builder::new().name("log".to_owned());
        thread.spawn(move || write((form, out), &orders, &count))?;
        Ok(Log(Some(Arc::new(Inner {
            form,
            queue,
            dropped,
        }))))
    }

    /// One that says nothing.
    pub fn off() -> Self {
        Log(None)
    }

    /// Tells the operator.
    pub fn tell(&self, event: Event) {
        self.put(Said::Event(event));
    }

    /// Whether requests are told.
    pub(crate) fn has_requests(&self) -> bool {
        let form = self.0.as_ref().map(|inner| inner.form);
        !matches!(form, None | Some(Form::Events(_)))
    }

    pub(crate) fn asked(&self, asked: Asked) {
        if self.has_requests() {
            self.put(Said::Asked(asked));
        }
    }

    fn put(&self, said: Said) {
        let Some(inner) = &self.0 else { return };
        let order = Order::Write(SystemClock.now(), said);
        if inner.queue.try_send(order).is_err() {
            inner.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was told is written; not for ever: where lines go may take nothing any more.
    pub fn flush(&self) {
        let Some(inner) = &self.0 else { return };
        let (done, written) = sync_channel(1);
        if inner.queue.try_send(Order::End(done)).is_ok() {
            let _ = written.recv_timeout(LOG_END_MAX);
        }
    }
}

/// What a thread does that writes lines, until nobody can tell it any.
fn write(
    (form, out): (Form, Box<dyn Write + Send>),
    orders: &Receiver<Order>,
    dropped: &AtomicU64,
) {
    let mut out = std::io::BufWriter::new(out);
    while let Ok(first) = orders.recv() {
        let (mut next, mut since) = (Some(first), 0);
        while let Some(order) = next {
            match order {
                // Who reads the log may be gone: the host goes on.
                Order::Write(at, said) => drop(out.write_all(line(form, at, &said).as_bytes())),
                Order::End(done) => {
                    let _ = out.flush();
                    let _ = done.try_send(());
                }
            }
            since += 1;
            // Where lines come as fast as they are written, the queue is never empty.
            if since == LOG_LOST_EVERY {
                tell_lost(form, &mut out, dropped);
                since = 0;
            }
            next = orders.try_recv().ok();
        }
        tell_lost(form, &mut out, dropped);
        let _ = out.flush();
    }
}

/// Says how many lines found no room since this was said last.
fn tell_lost(form: Form, out: &mut dyn Write, dropped: &AtomicU64) {
    let count = dropped.swap(0, Ordering::Relaxed);
    if count > 0 {
        let told = line(form, SystemClock.now(), &Said::Event(lost(count)));
        let _ = out.write_all(told.as_bytes());
    }
}

fn lost(count: u64) -> Event {
    let zh = format!("日志来不及写，少了 {count} 行");
    let en = format!("the log could not be written fast enough: {count} lines are missing");
    Event::new(Level::Warn, "log.dropped", zh, en)
}

/// To the millisecond, in UTC.
fn stamp(at: Time) -> String {
    let (year, month, day, hour, minute, second) = at.utc_fields();
    let millis = at.as_unix_nanos().rem_euclid(1_000_000_000) / 1_000_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

fn line(form: Form, at: Time, said: &Said) -> String {
    let time = stamp(at);
    match form {
        Form::Json => {
            let is_request = matches!(said, Said::Asked(_));
            let line = Line {
                time,
                level: is_request.then_some(Level::Info),
                event: is_request.then_some("request"),
                said,
            };
            // Plain data: it always has a form.
            let text = serde_json::to_string(&line).unwrap_or_default();
            escaped(&text) + "\n"
        }
        Form::Text(lang) | Form::Events(lang) => text(lang, &time, said),
    }
}

/// Words that may be somebody's, for a terminal: one line, nothing that moves its cursor, and nothing that turns the order
/// of what follows.
fn plain(words: &str) -> String {
    let mut plain = String::with_capacity(words.len());
    for sign in words.chars() {
        match sign {
            // What an error of the system says in several lines is read in one.
            '\n' | '\r' | '\t' => plain.push(' '),
            sign if is_unseen(sign) => plain.extend(sign.escape_unicode()),
            sign => plain.push(sign),
        }
    }
    plain
}

/// The same of JSON, which stays the same JSON: its encoder escapes those controls alone that it must, and such signs stand
/// in strings only.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for sign in json.chars() {
        match is_unseen(sign) {
            true => {
                for unit in sign.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
            false => escaped.push(sign),
        }
    }
    escaped
}

/// Controls, ends of lines, signs that turn the order of writing, and the usual signs of no width: what is not written as it is to
/// a log or a terminal.
pub fn is_unseen(sign: char) -> bool {
    sign.is_control()
        || matches!(
            sign,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

fn text(lang: Lang, time: &str, said: &Said) -> String {
    let mut text = String::new();
    match said {
        Said::Event(event) => {
            let level = match event.level {
                Level::Info => "info ",
                Level::Warn => "warn ",
                Level::Error => "error",
            };
            let words = plain(lang.t(&event.zh, &event.en));
            let _ = writeln!(text, "{time} {level} {} {words}", event.code);
        }
        Said::Asked(asked) => {
            let (method, route) = (asked.method, asked.route.unwrap_or("-"));
            let _ = write!(text, "{time} info  request {method} {route}");
            let mut pair = |name: &str, value: Option<String>| {
                if let Some(value) = value {
                    let _ = write!(text, " {name}={value}");
                }
            };
            pair("tender", asked.tender.as_deref().map(plain));
            pair("status", asked.status.map(|status| status.to_string()));
            pair("code", asked.code.as_deref().map(plain));
            pair("ms", Some(asked.ms.to_string()));
            pair("in", asked.came.map(|len| len.to_string()));
            pair("out", asked.went.map(|len| len.to_string()));
            pair("id", Some(asked.id.clone()));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};

    fn event(number: usize) -> Event {
        let zh = format!("第 {number} 件\n事");
        Event::new(Level::Warn, "test.event", zh, format!("event\n{number}"))
    }

    /// Takes no byte before it is let go, and then all.
    struct Stuck(Receiver<()>, Arc<Mutex<Vec<u8>>>, Sender<()>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.2.send(());
            // An error too: nobody holds it back any more.
            let _ = self.0.recv();
            if let Ok(mut all) = self.1.lock() {
                all.extend_from_slice(bytes);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_log_that_nobody_reads() {
        let all = Arc::new(Mutex::new(Vec::new()));
        let ((go, held), (at_it, is_at_it)) = (channel(), channel());
        let stuck = Stuck(held, Arc::clone(&all), at_it);
        let log = Log::start(Form::Text(Lang::En), Box::new(stuck));
        let log = log.unwrap_or_else(|e| unreachable!("{e}"));
        // The thread has taken the first line, and hangs in it.
        log.tell(event(0));
        assert!(is_at_it.recv().is_ok());
        for number in 1..=LOG_LINES_MAX + 70 {
            log.tell(event(number));
        }
        drop(go);
        // There may be no room for asking yet: the thread has begun to take lines out.
        while is_at_it.try_recv().is_ok() || !told(&all).contains("70 lines are missing") {
            log.flush();
        }
        let said = told(&all);
        assert_eq!(
            said.lines().count(),
            LOG_LINES_MAX + 2,
            "one event is one line"
        );
        assert!(
            said.contains("warn  log.dropped the log could not"),
            "{said}"
        );
    }

    fn told(all: &Mutex<Vec<u8>>) -> String {
        let all = all.lock().map(|all| all.clone()).unwrap_or_default();
        String::from_utf8_lossy(&all).into_owned()
    }

    fn asked() -> Said {
        Said::Asked(Asked {
            id: "00ff".to_owned(),
            method: "GET",
            route: Some("/v1/tenders/{tender}"),
            tender: Some("t1".to_owned()),
            status: Some(404),
            code: Some("http.no-tender".to_owned()),
            ms: 3,
            came: None,
            went: Some(7),
        })
    }

    #[test]
    fn a_line_is_text_or_one_object() {
        let at = Time::from_unix_nanos(1_234_567_891);
        let text = line(Form::Text(Lang::Zh), at, &asked());
        assert_eq!(
            text,
            "1970-01-01T00:00:01.234Z info  request GET /v1/tenders/{tender} tender=t1 status=404 \
             code=http.no-tender ms=3 out=7 id=00ff\n"
        );
        let json = line(Form::Json, at, &asked());
        assert_eq!(
            json,
            "{\"time\":\"1970-01-01T00:00:01.234Z\",\"level\":\"info\",\"event\":\"request\",\"id\":\"00ff\",\
             \"method\":\"GET\",\"route\":\"/v1/tenders/{tender}\",\"tender\":\"t1\",\"status\":404,\
             \"code\":\"http.no-tender\",\"ms\":3,\"out\":7}\n"
        );
        let json = line(Form::Json, at, &Said::Event(event(1).of("t1")));
        assert_eq!(
            json,
            "{\"time\":\"1970-01-01T00:00:01.234Z\",\"level\":\"warn\",\"event\":\"test.event\",\"tender\":\"t1\",\
             \"zh\":\"第 1 件\\n事\",\"en\":\"event\\n1\"}\n"
        );
    }

    #[test]
    fn nobody_s_words_reach_the_operator_s_terminal_as_controls() {
        let at = Time::from_unix_nanos(0);
        let said = |words: &str| {
            let own = || words.to_owned();
            Said::Event(Event::new(Level::Warn, "test.event", own(), own()))
        };
        for sign in (0..=0xffff_u32)
            .chain(0xe0000..=0xe007f)
            .filter_map(char::from_u32)
        {
            // What Unicode calls a control (Cc), and what a terminal shows as nothing, or otherwise than it is written.
            let moves = ('\0'..'\u{20}').contains(&sign) || ('\u{7f}'..'\u{a0}').contains(&sign);
            let turns = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}";
            let words = format!("a{sign}b");
            let text = line(Form::Text(Lang::En), at, &said(&words));
            let json = line(Form::Json, at, &said(&words));
            let (told, _) = text.split_at(text.len() - 1);
            if moves || turns.contains(sign) {
                assert!(!told.contains(sign), "{:x}", u32::from(sign));
                assert!(
                    !json[..json.len() - 1].contains(sign),
                    "{:x}",
                    u32::from(sign)
                );
            }
            // Nothing else is lost, and JSON says the same.
            let read: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
            assert_eq!(read["en"], words, "{:x}", u32::from(sign));
            let shown = told.strip_prefix("1970-01-01T00:00:00.000Z warn  test.event ");
            let expected = match sign {
                '\n' | '\r' | '\t' => "a b".to_owned(),
                _ if told.contains(sign) => words,
                _ => format!("a\\u{{{:x}}}b", u32::from(sign)),
            };
            assert_eq!(shown, Some(&*expected));
        }
        let text = line(Form::Text(Lang::Zh), at, &said("密封 é €\u{1b}[2J😀"));
        assert!(text.ends_with(" 密封 é €\\u{1b}[2J😀\n"), "{text}");
        // A request's own words are the host's, and looked at all the same.
        let Said::Asked(mut asked) = asked() else {
            return;
        };
        (asked.tender, asked.code) = (Some("t\u{9b}1".to_owned()), Some("c\u{202e}".to_owned()));
        let text = line(Form::Text(Lang::En), at, &Said::Asked(asked));
        assert!(
            text.contains("tender=t\\u{9b}1") && text.contains("code=c\\u{202e} "),
            "{text}"
        );
    }

    /// A queue that is never empty while the host is asked as fast as it writes.
    #[test]
    fn lines_without_room_are_told_before_the_queue_is_empty() {
        let all = Arc::new(Mutex::new(Vec::new()));
        let ((go, held), (at_it, _is_at_it)) = (channel(), channel());
        drop(go);
        let waiting = LOG_LOST_EVERY * 2 + 10;
        let (queue, orders) = sync_channel(waiting);
        for _ in 0..waiting {
            let order = Order::Write(Time::from_unix_nanos(0), asked());
            assert!(queue.try_send(order).is_ok());
        }
        drop(queue);
        let out = Box::new(Stuck(held, Arc::clone(&all), at_it));
        write((Form::Text(Lang::En), out), &orders, &AtomicU64::new(7));
        let said = told(&all);
        let lost: Vec<usize> = (0..)
            .zip(said.lines())
            .filter(|(_, line)| line.contains("log.dropped"))
            .map(|(at, _)| at)
            .collect();
        assert_eq!(lost, [LOG_LOST_EVERY], "once, behind half a queue");
        assert!(said.contains("7 lines are missing"));
        assert_eq!(said.lines().count(), waiting + 1);
    }

    #[test]
    fn without_requests_events_are_told_all_the_same() {
        let all = Arc::new(Mutex::new(Vec::new()));
        let ((go, held), (at_it, _is_at_it)) = (channel(), channel());
        drop(go);
        let out = Box::new(Stuck(held, Arc::clone(&all), at_it));
        let log = Log::start(Form::Events(Lang::Zh), out);
        let log = log.unwrap_or_else(|e| unreachable!("{e}"));
        if let Said::Asked(asked) = asked() {
            log.asked(asked);
        }
        log.tell(event(1));
        log.flush();
        let said = told(&all);
        assert!(said.ends_with(" warn  test.event 第 1 件 事\n"), "{said}");
        assert_eq!(said.lines().count(), 1);
    }
}

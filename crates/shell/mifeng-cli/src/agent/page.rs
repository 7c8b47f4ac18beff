//! The agent's own page, on this machine only. Its address has a secret part: no other page, program or user can
//! ask for it or answer in the person's place.

use crate::client::Glance;
use crate::ui::{Failure, Lang};
use mifeng::crypto::{Digest, Entropy, SystemEntropy};
use std::io::{BufRead, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// For reading a request and for writing an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a request: a browser's headers, and a form of one field.
const REQUEST_LEN_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;
/// Lines of what was done that the page lists.
const DONE_SHOWN: usize = 50;

/// One condition.
pub(super) struct Line {
    pub(super) met: bool,
    pub(super) zh: String,
    pub(super) en: String,
}

/// What a person is asked.
pub(super) struct Asked {
    /// Names what it is about.
    pub(super) id: Digest,
    pub(super) zh: String,
    pub(super) en: String,
    /// The bids that it opens, or the rows that it signs.
    pub(super) rows: Vec<(String, String)>,
    /// What a yes says.
    pub(super) consent: (&'static str, &'static str),
    /// What is typed to say it: a signature has a word of its own, so that a yes to something else is none to it.
    pub(super) words: (&'static str, &'static str),
    /// Every condition holds, and a word is waited for.
    pub(super) ready: bool,
}

#[derive(Default)]
struct Shown {
    tender: String,
    title: (String, String),
    stage: String,
    size: u64,
    lines: Vec<Line>,
    asked: Option<Asked>,
    /// Why nothing is asked, where there is more to say than that.
    why: Option<(String, String)>,
    /// Done so far, newest last.
    done: Vec<(String, String)>,
    /// What the person said yes to.
    told: Option<Digest>,
    /// It was said since the last wait.
    woken: bool,
}

/// What the page shows and the terminal hears.
pub(super) struct Screen {
    host: String,
    shown: Mutex<Shown>,
    word: Condvar,
}

impl Screen {
    pub(super) fn new(host: &str) -> Arc<Self> {
        Arc::new(Screen {
            host: host.to_owned(),
            shown: Mutex::default(),
            word: Condvar::new(),
        })
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self, glance: &Glance) {
        let mut shown = self.shown();
        shown.tender.clone_from(&glance.tender);
        shown.title = (glance.title.zh.clone(), glance.title.en.clone());
        shown.stage.clone_from(&glance.stage);
        shown.size = glance.size;
    }

    pub(super) fn show(&self, lines: Vec<Line>, asked: Option<Asked>) {
        let mut shown = self.shown();
        (shown.lines, shown.asked, shown.why) = (lines, asked, None);
    }

    /// Nothing is asked, and why.
    pub(super) fn show_nothing(&self, why: Option<(String, String)>) {
        let mut shown = self.shown();
        (shown.lines, shown.asked, shown.why) = (Vec::new(), None, why);
    }

    pub(super) fn done(&self, zh: &str, en: &str) {
        let mut shown = self.shown();
        shown.done.push((zh.to_owned(), en.to_owned()));
        let over = shown.done.len().saturating_sub(DONE_SHOWN);
        shown.done.drain(..over);
    }

    /// What the person said yes to. A word counts once, at the look after it: what it was not about by then needs another.
    pub(super) fn take_word(&self) -> Option<Digest> {
        self.shown().told.take()
    }

    /// Waits, but no longer than until the person says something.
    pub(super) fn wait(&self, time: Duration) {
        let shown = self.shown();
        // Whatever ends the wait, the next look finds it.
        let waited = self
            .word
            .wait_timeout_while(shown, time, |shown| !shown.woken);
        let (mut shown, _) = waited.unwrap_or_else(PoisonError::into_inner);
        shown.woken = false;
    }

    /// The person says yes to what is asked now, if that is what was meant.
    fn tell(&self, meant: impl Fn(&Asked) -> bool) -> bool {
        let mut shown = self.shown();
        let now = shown.asked.as_ref();
        let agreed = now.filter(|asked| asked.ready && meant(asked));
        let agreed = agreed.map(|asked| asked.id);
        if agreed.is_some() {
            (shown.told, shown.woken) = (agreed, true);
            self.word.notify_all();
        }
        agreed.is_some()
    }

    /// Takes a word from the terminal; ends with its input.
    pub(super) fn listen_to_the_terminal(self: &Arc<Self>) {
        let screen = Arc::clone(self);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                let word = line.trim();
                screen.tell(|asked| word == asked.words.0 || word == asked.words.1);
            }
        });
    }
}

/// Serves the page in the background; its address.
pub(super) fn serve(at: SocketAddr, screen: Arc<Screen>, lang: Lang) -> Result<String, Failure> {
    let wrong = |e: std::io::Error| Failure::io(Path::new("--page"), &e);
    let listener = TcpListener::bind(at).map_err(wrong)?;
    let place = listener.local_addr().map_err(wrong)?;
    let mut secret = [0; 16];
    SystemEntropy::new().fill(&mut secret)?;
    let secret = format!("/{}/", hex::encode(secret));
    let url = format!("http://{place}{secret}");
    std::thread::spawn(move || {
        // One after the other: one person looks at it.
        for stream in listener.incoming().flatten() {
            // Whoever breaks off has seen nothing.
            let _ = answer(stream, &screen, &secret, lang);
        }
    });
    Ok(url)
}

struct Request {
    method: String,
    path: String,
    /// What the browser says of its person's languages.
    languages: String,
    body: String,
}

/// The language of a page: as its address says, else as the browser does, else that of the command.
fn language(query: &str, languages: &str, otherwise: Lang) -> Lang {
    let named = |word: &str| match word {
        word if word.starts_with("zh") => Some(Lang::Zh),
        word if word.starts_with("en") => Some(Lang::En),
        _ => None,
    };
    chosen(query)
        .or_else(|| languages.split(',').map(str::trim_start).find_map(named))
        .unwrap_or(otherwise)
}

/// The language that an address asks for.
fn chosen(query: &str) -> Option<Lang> {
    let mut given = query.split('&').filter_map(|pair| pair.split_once('='));
    given.find_map(|pair| match pair {
        ("lang", "zh") => Some(Lang::Zh),
        ("lang", "en") => Some(Lang::En),
        _ => None,
    })
}

/// What an address ends in to keep its language; never empty, so that a form goes to the page itself.
fn kept(query: &str) -> &'static str {
    match chosen(query) {
        Some(Lang::Zh) => "?lang=zh",
        Some(Lang::En) => "?lang=en",
        None => "?",
    }
}

fn answer(mut stream: TcpStream, screen: &Screen, secret: &str, lang: Lang) -> std::io::Result<()> {
    stream.set_write_timeout(Some(TIMEOUT))?;
    let Some(request) = read(&mut stream) else {
        return reply(&mut stream, "400 Bad Request", "text/plain", "");
    };
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let own = path.get(..secret.len()).unwrap_or_default();
    if !bool::from(own.as_bytes().ct_eq(secret.as_bytes())) {
        return reply(&mut stream, "404 Not Found", "text/plain", "");
    }
    let lang = language(query, &request.languages, lang);
    match (&*request.method, &path[secret.len()..]) {
        ("GET", "") => reply(
            &mut stream,
            "200 OK",
            "text/html; charset=utf-8",
            &html(screen, lang, kept(query)),
        ),
        ("GET", "style.css") => {
            let kind = "text/css; charset=utf-8";
            reply(&mut stream, "200 OK", kind, mifeng_server::STYLE)
        }
        ("POST", "") => {
            // A page that was shown before something changed agrees to nothing.
            let meant = request.body.strip_prefix("task=").unwrap_or_default();
            screen.tell(|asked| asked.id.to_string() == meant);
            let back = format!("303 See Other\r\nlocation: {secret}{}", kept(query));
            reply(&mut stream, &back, "text/plain", "")
        }
        _ => reply(&mut stream, "404 Not Found", "text/plain", ""),
    }
}

fn reply(stream: &mut TcpStream, status: &str, kind: &str, body: &str) -> std::io::Result<()> {
    let len = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len}\r\nconnection: close\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\nx-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    stream.flush()
}

/// Reads a whole request, within its limits.
fn read(stream: &mut TcpStream) -> Option<Request> {
    let end = Instant::now() + TIMEOUT;
    let mut bytes = Vec::new();
    loop {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(start) = request.parse(&bytes).ok()? {
            let length = request
                .headers
                .iter()
                .find(|h| h.name.eq_ignore_ascii_case("content-length"));
            let length = length.map_or(Some(0), |h| {
                core::str::from_utf8(h.value).ok()?.parse().ok()
            });
            let whole = start
                .checked_add(length?)
                .filter(|whole| *whole <= REQUEST_LEN_MAX)?;
            if bytes.len() >= whole {
                let body = core::str::from_utf8(&bytes[start..whole]).ok()?;
                let mut headers = request.headers.iter();
                let languages = headers.find(|h| h.name.eq_ignore_ascii_case("accept-language"));
                let languages = languages.and_then(|h| core::str::from_utf8(h.value).ok());
                return Some(Request {
                    method: request.method?.to_owned(),
                    path: request.path?.to_owned(),
                    languages: languages.unwrap_or_default().to_owned(),
                    body: body.to_owned(),
                });
            }
        }
        if bytes.len() > REQUEST_LEN_MAX {
            return None;
        }
        let left = end
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())?;
        stream.set_read_timeout(Some(left)).ok()?;
        let mut piece = [0; 4096];
        match stream.read(&mut piece) {
            Ok(len) if len > 0 => bytes.extend_from_slice(&piece[..len]),
            _ => return None,
        }
    }
}

/// Text as HTML shows it.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn html(screen: &Screen, lang: Lang, kept: &str) -> String {
    let shown = screen.shown();
    let t = |zh: &'static str, en: &'static str| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    };
    let pick = |zh: &str, en: &str| {
        text(match lang {
            Lang::Zh => zh,
            Lang::En => en,
        })
    };
    let (tag, heading) = (
        t("zh-CN", "en"),
        t("受托人工作台（本机）", "Trustee's desk (this machine)"),
    );
    let other = t("?lang=en", "?lang=zh");
    let mut page = format!(
        "<!DOCTYPE html><html lang=\"{tag}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"3\"><title>{heading}</title><link rel=\"stylesheet\" href=\"style.css\"></head><body>\
         <header class=\"top\"><span class=\"brand\">{}<span>{heading}</span></span><nav><a href=\"{other}\">{}</a></nav></header><main>",
        t("密封", "Mifeng"),
        t("English", "中文"),
    );
    page += &format!(
        "<h1>{}</h1><p class=\"meta\">{} · {} · {} {}</p>",
        pick(&shown.title.0, &shown.title.1),
        text(&shown.tender),
        text(&screen.host),
        t("日志条目", "entries of the log"),
        shown.size,
    );
    match &shown.asked {
        None => {
            page += &format!(
                "<p class=\"note\">{}</p>",
                t("现在没有什么要您办理。", "Nothing is asked of you now.")
            );
            if let Some((zh, en)) = &shown.why {
                page += &format!("<p>{}</p>", pick(zh, en));
            }
        }
        Some(asked) => {
            page += &format!(
                "<section class=\"ask\"><h2>{}</h2><ul class=\"conditions\">",
                pick(&asked.zh, &asked.en)
            );
            for line in &shown.lines {
                let (class, mark) = match line.met {
                    true => ("met", t("满足", "met")),
                    false => ("unmet", t("未满足", "not met")),
                };
                page += &format!(
                    "<li class=\"{class}\"><strong>{mark}</strong> {}</li>",
                    pick(&line.zh, &line.en)
                );
            }
            page += "</ul><ul>";
            for (zh, en) in &asked.rows {
                page += &format!("<li>{}</li>", pick(zh, en));
            }
            page += "</ul>";
            if asked.ready {
                page += &format!(
                    "<form method=\"post\" action=\"{kept}\"><input type=\"hidden\" name=\"task\" value=\"{}\"><button type=\"submit\">{}</button></form>",
                    asked.id,
                    t(asked.consent.0, asked.consent.1),
                );
            } else {
                page += &format!(
                    "<p class=\"note\">{}</p>",
                    t(
                        "条件未全部满足时，本程序不释放，也不签名。",
                        "As long as a condition is not met, this program releases and signs nothing."
                    )
                );
            }
            page += "</section>";
        }
    }
    if !shown.done.is_empty() {
        page += &format!("<h2>{}</h2><ul class=\"acts\">", t("已办", "Done"));
        for (zh, en) in shown.done.iter().rev() {
            page += &format!("<li>{}</li>", pick(zh, en));
        }
        page += "</ul>";
    }
    page + "</main></body></html>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_why_nothing_is_asked_until_something_is() {
        let screen = Screen::new("host");
        screen.show_nothing(Some(("甲 <".to_owned(), "too <few>".to_owned())));
        assert!(html(&screen, Lang::En, "?").contains("<p>too &lt;few&gt;</p>"));
        assert!(html(&screen, Lang::Zh, "?").contains("<p>甲 &lt;</p>"));
        screen.show(Vec::new(), None);
        assert!(!html(&screen, Lang::En, "?").contains("few"));
    }

    #[test]
    fn a_page_lists_what_it_asks_for_and_its_button_says_what_a_yes_does() {
        let screen = Screen::new("host");
        let asked = |ready| Asked {
            id: mifeng::crypto::HashAlg::Sha256.digest(b"one"),
            zh: "签名".to_owned(),
            en: "sign".to_owned(),
            rows: vec![("甲 1 元".to_owned(), "A & B 1 yuan".to_owned())],
            consent: ("我同意，签名", "I agree: sign"),
            words: ("签署", "sign"),
            ready,
        };
        for (ready, lang, row, button) in [
            (true, Lang::En, "<li>A &amp; B 1 yuan</li>", "I agree: sign"),
            (true, Lang::Zh, "<li>甲 1 元</li>", "我同意，签名"),
            (false, Lang::En, "<li>A &amp; B 1 yuan</li>", "I agree"),
        ] {
            screen.show(Vec::new(), Some(asked(ready)));
            let page = html(&screen, lang, "?");
            assert!(page.contains(row), "{page}");
            assert_eq!(page.contains(button), ready, "{page}");
        }
    }

    #[test]
    fn a_word_counts_once_and_for_what_was_asked_then() {
        let screen = Screen::new("host");
        let asked = |about: &[u8], ready| Asked {
            id: mifeng::crypto::HashAlg::Sha256.digest(about),
            zh: String::new(),
            en: String::new(),
            rows: Vec::new(),
            consent: ("", ""),
            words: ("签署", "sign"),
            ready,
        };
        let (one, other) = (asked(b"one", true).id, asked(b"other", true).id);
        assert!(!screen.tell(|_| true), "nothing is asked");
        screen.show(Vec::new(), Some(asked(b"one", false)));
        assert!(!screen.tell(|_| true), "a condition is not met");
        screen.show(Vec::new(), Some(asked(b"one", true)));
        assert!(!screen.tell(|now| now.id == other), "of another page");
        assert!(screen.tell(|now| now.words.1 == "sign"));
        // What came meanwhile is not what the word was about, and the word is used up by having been looked at.
        screen.show(Vec::new(), Some(asked(b"other", true)));
        assert_eq!(screen.take_word(), Some(one));
        assert_eq!(screen.take_word(), None);
        // A wait ends with a word, and the next one lasts: nothing is left that would end it at once.
        assert!(screen.tell(|now| now.id == other));
        assert!(screen.shown().woken);
        screen.wait(Duration::from_secs(3600));
        assert!(!screen.shown().woken);
        assert_eq!(screen.take_word(), Some(other));
    }

    #[test]
    fn a_page_is_in_the_language_of_its_address_then_of_the_browser_then_of_the_command() {
        for (query, languages, expected) in [
            ("lang=en", "zh-CN", Lang::En),
            ("x=1&lang=en", "zh-CN", Lang::En),
            ("lang=en&x=1", "", Lang::En),
            ("lang=zh", "en-GB,en;q=0.9", Lang::Zh),
            ("", "en-GB,en;q=0.9", Lang::En),
            ("", "de,zh-CN;q=0.8,en;q=0.7", Lang::Zh),
            ("lang=de", "en", Lang::En),
            ("language=zh", "en", Lang::En),
            ("", "de", Lang::Zh),
        ] {
            let said = language(query, languages, Lang::Zh);
            assert_eq!(said, expected, "{query} {languages}");
        }
        assert_eq!(language("", "", Lang::En), Lang::En);
        assert_eq!(kept("x&lang=zh"), "?lang=zh");
        assert_eq!(kept("lang=de"), "?");
    }
}

//! Lays out the verifier's page (called by `build.sh`): the parts for a web server, and one file
//! with everything inside that opens from a disk.
//!
//! The one file names the hashes of its own script and style in its Content-Security-Policy and
//! forbids every connection, so that a reader need not take our word that nothing is uploaded.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use mifeng::crypto::HashAlg;
use std::error::Error;
use std::path::Path;

const PARTS: [&str; 4] = ["index.html", "page.css", "page.js", "worker.js"];
const STYLE: &str = r#"<link rel="stylesheet" href="page.css">"#;
const SCRIPT: &str = r#"<script src="page.js"></script>"#;
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                      worker-src 'self'; connect-src 'none'; form-action 'none'; base-uri 'none'";

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [web, module, out] = args.as_slice() else {
        return Err("usage: lay_out WEB-FOLDER MODULE.wasm OUT-FOLDER".into());
    };
    let (web, out) = (Path::new(web), Path::new(out));
    let module = std::fs::read(module)?;
    std::fs::create_dir_all(out)?;
    let mut texts = Vec::new();
    for name in PARTS {
        let text = std::fs::read_to_string(web.join(name))?;
        std::fs::write(out.join(name), &text)?;
        texts.push(text);
    }
    std::fs::write(out.join("mifeng.wasm"), &module)?;
    let [page, style, script, worker] = <[String; 4]>::try_from(texts).map_err(|_| "four parts")?;
    let one = one_file(&page, &style, &script, &worker, &module)?;
    std::fs::write(out.join("mifeng-verify.html"), &one)?;
    println!(
        "{}: module {} bytes, one file {} bytes, sha256 {}",
        out.display(),
        module.len(),
        one.len(),
        HashAlg::Sha256.digest(one.as_bytes())
    );
    Ok(())
}

fn one_file(
    page: &str,
    style: &str,
    script: &str,
    worker: &str,
    module: &[u8],
) -> Result<String, Box<dyn Error>> {
    if [script, worker]
        .iter()
        .any(|text| text.contains("</script"))
        || style.contains("</style")
    {
        return Err("a part would end its own element".into());
    }
    let hash = |text: &str| {
        let digest = HashAlg::Sha256.digest(text.as_bytes());
        format!("'sha256-{}'", BASE64_STANDARD.encode(digest.as_bytes()))
    };
    let policy = format!(
        "default-src 'none'; script-src {} 'wasm-unsafe-eval'; style-src {}; worker-src blob:; \
         connect-src 'none'; form-action 'none'; base-uri 'none'",
        hash(script),
        hash(style)
    );
    // Types that no browser runs: the page reads both as text.
    let scripts = format!(
        "<script type=\"text/x-worker\" id=\"worker-source\">{worker}</script>\n\
         <script type=\"text/x-base64\" id=\"wasm-source\">{}</script>\n\
         <script>{script}</script>",
        BASE64_STANDARD.encode(module)
    );
    let page = once(page, POLICY, &policy)?;
    let page = once(&page, STYLE, &format!("<style>{style}</style>"))?;
    once(&page, SCRIPT, &scripts)
}

fn once(text: &str, from: &str, to: &str) -> Result<String, Box<dyn Error>> {
    match text.matches(from).count() {
        1 => Ok(text.replacen(from, to, 1)),
        n => Err(format!("{from} stands {n} times in index.html, 1 expected").into()),
    }
}

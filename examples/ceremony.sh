#!/usr/bin/env bash
# A whole tender by hand: separate commands over separate folders that exchange only files, as at an
# air-gapped ceremony. One folder for each person; `post/` is the table on which files are passed.
#
#   bash examples/ceremony.sh [FOLDER] [gm|intl] [board|joint]
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${2:-gm}
policy=${3:-joint}
place=${1:-$(mktemp -d)}
mkdir -p "$place/post"
if [ -z "${MIFENG:-}" ]; then
    cargo build --release --locked -p mifeng-cli -p mifeng-skf-sim
    MIFENG=$PWD/target/release/mifeng
fi
cd "$place"
# Each person has an own passphrase; here one file serves all, and is read through a descriptor.
head -c 18 /dev/urandom | base64 >pin
m() { "$MIFENG" --lang "${MIFENG_LANG:-zh}" --pin-fd 9 "$@" 9<pin; }
step() { printf '\n== %s\n' "$*"; }

step "证书 / certificates"
m ca init --ca ca --suite "$suite" --name "Ceremony CA"
issue() { m ca issue --ca ca --kind "$1" --name "$2" --out "$3" "${@:4}"; }
issue buyer "County hospital" buyer
issue agency "Tender agency" agency
issue host "Platform" platform
issue tsa "Time-stamp authority" tsa
for i in 1 2 3; do issue trustee "Trustee $i" "trustee$i"; done
for i in 1 2 3 4 5 6 7; do issue expert "Expert $i" "expert$i"; done
codes=(91350200776049653A 91350500798359476R 91440101MA5CJQ4N59)
for i in 1 2 3; do issue bidder "Bidder $i Ltd." "bidder$i" --uscc "${codes[$((i - 1))]}"; done

# Bidder 2 keeps its keys in a token: a simulated one, where its library was built beside the command.
skf=$(dirname "$MIFENG")/libmifeng_skf_sim.so
if [ "$suite" = gm ] && [ -e "$skf" ]; then
    step "投标人 2 的密码钥匙（模拟） / bidder 2's token (simulated)"
    export MIFENG_SKF_SIM=$PWD/usb
    mkdir -p usb
    m token simulate --id bidder2 --module "$skf" --device usb/bidder2.skf --out bidder2-token
    m token test --skf --module "$skf"
    mv bidder2-token/token.json bidder2/
    rm -r bidder2-token bidder2/sign.key bidder2/enc.key
fi

step "委员会密钥（3 人中 2 人） / board key (2 of 3)"
for i in 1 2 3; do
    m board join --id "trustee$i" --session ceremony --index "$i" --quorum 2 --of 3 --out "post/$i.a-join.rec"
done
for i in 1 2 3; do m board round1 --id "trustee$i" post/?.a-join.rec --out "post/$i.b-round1.rec"; done
for i in 1 2 3; do
    m board round2 --id "trustee$i" post/?.a-join.rec post/?.b-round1.rec --out "post/$i.c-round2.rec"
done

step "平台日志与公告 / log and notice"
host=(--host host --id platform)
# Heads of all tenders of this platform go into one log, of which others keep copies.
anchor=$(m anchor init --id platform --suite "$suite" --origin host.example/anchor)
m tender init "${host[@]}" --suite "$suite" --origin "host.example/t/CEREMONY-1" --trust ca/root.cer
for list in root ca; do m tender crl "${host[@]}" "ca/$list.crl"; done
m tender accept "${host[@]}" post/?.a-join.rec post/?.b-round1.rec post/?.c-round2.rec
m tender export "${host[@]}" --out post/tender.tar
deadline=$(date -u -d "+${CEREMONY_SECONDS:-25} seconds" +%Y-%m-%dT%H:%M:%SZ)
cat >agency/plan.json <<JSON
{"tender": "CEREMONY-1", "title": {"zh": "病床采购", "en": "Hospital beds"},
 "procedure": "open", "rehearsal": true, "buyer": "../buyer/sign.cer", "deadline": "$deadline", "beat_ms": 500, "beat_depth": 4,
 "window_ms": 60000, "policy": "$policy", "bidders_min": 3,
 "committee": {"specialty": "A0320", "experts": 5, "alternates": 2},
 "lots": [{"id": "1", "title": {"zh": "病床", "en": "beds"}, "rules": {
   "method": "composite", "object": "goods", "price_weight": "40", "ceiling": "500000.00",
   "sme_rate": "0.15", "items": [
     {"id": "spec", "name": {"zh": "技术", "en": "technical"}, "max": "40", "kind": "subjective"},
     {"id": "record", "name": {"zh": "业绩", "en": "record"}, "max": "20", "kind": "objective"}]}}]}
JSON
m tender publish --id agency --tender post/tender.tar --plan agency/plan.json --out post/notice.rec
m tender accept "${host[@]}" post/notice.rec
m tender export "${host[@]}" --out post/tender.tar

step "吊销查询 / what the CA answers about a signer (OCSP)"
m ca ocsp --ca ca --cert agency/sign.cer --out post/agency.ocsp
m tender ocsp "${host[@]}" post/agency.ocsp

step "投标 / bids"
prices=(468000.00 455000.00 482000.00)
words=(肆拾陆万捌仟元整 肆拾伍万伍仟元整 肆拾捌万贰仟元整)
for i in 1 2 3; do
    mkdir -p "bidder$i/files"
    head -c 1500000 /dev/urandom >"bidder$i/files/drawings.bin"
    echo "technical proposal of bidder $i" >"bidder$i/files/technical.txt"
    m bid seal --id "bidder$i" --tender post/tender.tar --lot 1 --files "bidder$i/files" \
        --price "${prices[$((i - 1))]}" --price-cn "${words[$((i - 1))]}" --small --out "bidder$i/bid.bid"
    m bid check --tender post/tender.tar --bid "bidder$i/bid.bid"
    m bid submit --id "bidder$i" --tender post/tender.tar --bid "bidder$i/bid.bid" --out "post/bid$i.rec"
    m tender accept "${host[@]}" "post/bid$i.rec" --bid "bidder$i/bid.bid" --receipt "post/bid$i.receipt"
    m receipt verify --receipt "post/bid$i.receipt" --record "post/bid$i.rec" --tender post/tender.tar
    if [ "$i" = 1 ]; then
        step "延期 / postponement"
        later=$(date -u -d "$deadline + 10 seconds" +%Y-%m-%dT%H:%M:%SZ)
        m tender postpone --id agency --tender post/tender.tar --deadline "$later" --reason "招标文件澄清" --out post/postpone.rec
        m tender accept "${host[@]}" post/postpone.rec
        m tender export "${host[@]}" --out post/tender.tar
        step "投标（续） / more bids"
    fi
    if [ "$i" = 2 ]; then
        step "澄清或者修改 / amendment"
        echo "the drawing as it was corrected" >agency/drawing.txt
        m tender amend --id agency --tender post/tender.tar --text "图纸以更正后的为准。" --reason "答复询问" \
            --document agency/drawing.txt --out post/amend.rec
        m tender accept "${host[@]}" post/amend.rec --document agency/drawing.txt
        m tender export "${host[@]}" --out post/tender.tar
        step "投标（续） / more bids"
    fi
done

step "截标 / close"
m tender close "${host[@]}" --wait
m tender export "${host[@]}" --out post/tender.tar
for i in 1 2 3; do m board cosign --id "trustee$i" --tender post/tender.tar --out "post/$i.note"; done
m tender cosigned "${host[@]}" post/?.note
m tender export "${host[@]}" --out post/tender.tar
m tsa stamp --id tsa --tender post/tender.tar --out post/close.tsr
m tender stamp "${host[@]}" post/close.tsr
if [ "$policy" = joint ]; then
    for i in 1 2; do
        m bid release --id "bidder$i" --tender post/tender.tar --bid "bidder$i/bid.bid" --out "post/leaf$i.rec"
    done
    # Bidder 3 lost its key; the backup written when sealing serves.
    m bid release --id bidder3 --tender post/tender.tar --bid bidder3/bid.bid --backup bidder3/bid.leaf --out post/leaf3.rec
    m tender accept "${host[@]}" post/leaf?.rec
fi
m tender close-window "${host[@]}"

step "受托人核对并释放 / trustees check and release"
m tender export "${host[@]}" --out post/tender.tar
for i in 1 3; do m board release --id "trustee$i" --tender post/tender.tar --out "post/shares$i.rec"; done
m tender accept "${host[@]}" post/shares?.rec

step "开标 / opening"
m tender open "${host[@]}" --out opened
m tender export "${host[@]}" --out post/tender.tar
m tender minutes --id agency --tender post/tender.tar --out post/minutes.rec
m tender accept "${host[@]}" post/minutes.rec
m tender export "${host[@]}" --out post/tender.tar
for who in buyer trustee1 trustee3 bidder1 bidder2; do
    m tender sign --id "$who" --tender post/tender.tar --out "post/minutes-$who.rec"
done
m tender accept "${host[@]}" post/minutes-*.rec

step "现场询问与答复 / a question on the spot"
m tender export "${host[@]}" --out post/tender.tar
m opening ask --id bidder2 --tender post/tender.tar --text "截止时间以何处时钟为准？" --out post/ask.rec
m tender accept "${host[@]}" post/ask.rec
m tender export "${host[@]}" --out post/tender.tar
m opening answer --id agency --tender post/tender.tar --question 1 --text "以平台日志为准。" --out post/answered.rec
m tender accept "${host[@]}" post/answered.rec
m tender export "${host[@]}" --out post/tender.tar
m opening questions --tender post/tender.tar

step "抽取专家 / draw"
m tender export "${host[@]}" --out post/tender.tar
m panel pool --id agency --tender post/tender.tar --experts expert?/sign.cer --secret agency/candidates.json --out post/pool.rec
m tender accept "${host[@]}" post/pool.rec
m tender export "${host[@]}" --out post/tender.tar
for i in 2 3; do m board draw --id "trustee$i" --tender post/tender.tar --out "post/draw$i.rec"; done
m tender accept "${host[@]}" post/draw?.rec
m tender export "${host[@]}" --out post/tender.tar
m panel draw --id agency --tender post/tender.tar --secret agency/candidates.json --out post/drawn.rec
m tender accept "${host[@]}" post/drawn.rec

step "资格与符合性审查、澄清 / checks, a question"
# Everybody of the pool comes; only the drawn are taken, the others are refused with exit code 1.
take_seated() {
    local seated=0 i
    for i in 1 2 3 4 5 6 7; do
        if m tender accept "${host[@]}" "post/$1$i.rec" 2>"post/$1$i.refusal"; then
            seated=$((seated + 1))
            last=$i
        else
            grep -q 'expert.not-drawn' "post/$1$i.refusal"
        fi
    done
    test "$seated" = 5
    m tender export "${host[@]}" --out post/tender.tar
}
m tender export "${host[@]}" --out post/tender.tar
m panel check --id agency --tender post/tender.tar --kind qualification --lot 1 --out post/qualified.rec
m tender accept "${host[@]}" post/qualified.rec
m tender export "${host[@]}" --out post/tender.tar
for i in 1 2 3 4 5 6 7; do
    m panel check --id "expert$i" --tender post/tender.tar --kind conformity --lot 1 --out "post/conform$i.rec"
done
take_seated conform
m panel ask --id "expert$last" --tender post/tender.tar --lot 1 --bidder "${codes[0]}" --matter ambiguity \
    --text "质保期以何处为准？" --out post/question.rec
m tender accept "${host[@]}" post/question.rec
m tender export "${host[@]}" --out post/tender.tar
m panel questions --tender post/tender.tar
m bid answer --id bidder1 --tender post/tender.tar --question 1 --text "以第3页为准，三年。" --out post/answer.rec
m tender accept "${host[@]}" post/answer.rec

step "各自封存评分表，同时揭示 / sheets closed alone, revealed together"
m tender export "${host[@]}" --out post/tender.tar
for i in 1 2 3 4 5 6 7; do
    printf '{"%s":{"spec":"3%s.00","record":"12.00"},"%s":{"spec":"3%s.50","record":"15.00"},"%s":{"spec":"29.00","record":"18.00"}}' \
        "${codes[0]}" "$((i % 5))" "${codes[1]}" "$((i % 4))" "${codes[2]}" >"expert$i/scores.json"
    m panel commit --id "expert$i" --tender post/tender.tar --lot 1 --scores "expert$i/scores.json" \
        --secret "expert$i/closed.json" --out "post/commit$i.rec"
done
take_seated commit
for i in 1 2 3 4 5 6 7; do
    m panel reveal --id "expert$i" --tender post/tender.tar --secret "expert$i/closed.json" --out "post/sheet$i.rec"
done
take_seated sheet

step "排名、评审报告、定标、通知 / ranking, report, award, letters"
m tender rank --id agency --tender post/tender.tar --lot 1 --out post/rank.rec
m tender accept "${host[@]}" post/rank.rec
m tender export "${host[@]}" --out post/tender.tar
m tender report --id agency --tender post/tender.tar --lot 1 --media "中国政府采购网" --place "第一评标室" --out post/report.rec
m tender accept "${host[@]}" post/report.rec
m tender export "${host[@]}" --out post/tender.tar
for i in 1 2 3 4 5 6 7; do
    m panel sign-report --id "expert$i" --tender post/tender.tar --lot 1 --out "post/signed$i.rec"
done
take_seated signed
m tender award --id buyer --tender post/tender.tar --lot 1 --out post/award.rec
m tender accept "${host[@]}" post/award.rec
for i in 1 2 3; do
    m tender export "${host[@]}" --out post/tender.tar
    # The winner gets no letter.
    if m tender letter --id agency --tender post/tender.tar --lot 1 --bidder "${codes[$((i - 1))]}" --out "post/letter$i.rec"; then
        m tender accept "${host[@]}" "post/letter$i.rec"
    fi
done

step "归档与验证 / dossier and verification"
m archive "${host[@]}" --out dossier.tar
mkdir -p auditor && cp dossier.tar ca/root.cer post/bid1.rec post/bid1.receipt post/tender.tar auditor/
"$MIFENG" --lang "${MIFENG_LANG:-zh}" verify auditor/dossier.tar --trust auditor/root.cer \
    --earlier auditor/tender.tar --receipt auditor/bid1.receipt --record auditor/bid1.rec
"$MIFENG" --lang "${MIFENG_LANG:-zh}" inspect auditor/dossier.tar | tail -n 5

step "见证人共签锚定日志，证明随档 / witnesses cosign the anchor log, and the dossier's proof has their lines"
m anchor export --id platform --suite "$suite" --out post/anchors.tar
m tender export "${host[@]}" --out post/tender.tar
for i in 1 2 3; do
    m anchor cosign --id "trustee$i" --tender post/tender.tar post/anchors.tar --out "post/anchors$i.note"
done
m anchor cosigned "${host[@]}" post/anchors?.note
m archive "${host[@]}" --out auditor/dossier.tar
"$MIFENG" --lang "${MIFENG_LANG:-zh}" verify auditor/dossier.tar --trust auditor/root.cer

step "锚定日志与档案核对 / the dossier held against the anchor log"
m anchor export --id platform --suite "$suite" --out auditor/anchors.tar
"$MIFENG" --lang "${MIFENG_LANG:-zh}" anchor list auditor/anchors.tar --key "$anchor" --tender auditor/dossier.tar
printf '\n文件在 / files lie in %s\n' "$PWD"

"""Prints the text of an OFD as easyofd reads it."""
import base64
import sys

from easyofd import OFD

with open(sys.argv[1], "rb") as file:
    encoded = base64.b64encode(file.read()).decode()
ofd = OFD()
ofd.read(encoded, save_xml=False)
for document in ofd.data:
    for page in document["page_info"].values():
        print("".join(line.get("text", "") for line in page["text_list"]))

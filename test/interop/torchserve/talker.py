"""A handler of TorchServe that says again what it is told: as text, as JSON, or in pieces."""

import json

from ts.protocol.otf_message_handler import send_intermediate_predict_response


def handle(data, context):
    if not data:
        return []
    row = data[0].get("data", data[0].get("body"))
    told = row.decode() if isinstance(row, (bytes, bytearray)) else row
    if isinstance(told, str):
        return [f"you said {told}"]
    if not told.get("stream"):
        return [{"said": told["text"], "length": len(told["text"])}]
    for piece in [told["text"][at : at + 3] for at in range(0, len(told["text"]), 3)]:
        send_intermediate_predict_response([piece], context.request_ids, "Intermediate", 200, context)
    return [""]

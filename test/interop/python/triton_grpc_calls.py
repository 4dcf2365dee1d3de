"""Calls MLServer over gRPC with tritonclient and prints what it saw: triton_grpc_calls.py HOST:PORT TOKEN."""

import json
import queue
import sys

import numpy as np
import tritonclient.grpc as triton

address, token = sys.argv[1:3]
TEXT = "write to anna@example.com, please"
HEADERS = {"authorization": f"Bearer {token}", "sallyport-service": "mlserver"}
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], dtype=np.float64)

client = triton.InferenceServerClient(address)


def shown(result, name):
    found = result.as_numpy(name)
    return [item.decode() if isinstance(item, bytes) else item for item in found.reshape(-1).tolist()]


def said(step):
    try:
        return step()
    except Exception as error:  # what a client makes of a refusal is a result, too
        return f"{type(error).__name__}: {error}"


def texts(*values):
    tensor = triton.InferInput("text", [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array(values, dtype=np.object_))
    return tensor


def classes():
    rows = triton.InferInput("predict", [2, 4], "FP64")
    rows.set_data_from_numpy(ROWS)
    return shown(client.infer("iris", [rows], headers=HEADERS), "predict")


def stream():
    heard = queue.Queue()
    client.start_stream(callback=lambda result, error: heard.put((result, error)), headers=HEADERS)
    client.async_stream_infer("echo", [texts(TEXT)], request_id="7")
    client.stop_stream()
    pieces = []
    while not heard.empty():
        result, error = heard.get()
        pieces.append(str(error) if error is not None else "".join(shown(result, "said")))
    return "".join(pieces)


seen = {
    "live": client.is_server_live(headers=HEADERS),
    "ready": client.is_model_ready("echo", headers=HEADERS),
    "metadata": client.get_model_metadata("echo", headers=HEADERS, as_json=True)["name"],
    "missing": said(lambda: client.get_model_metadata("nobody", headers=HEADERS)),
    "said": said(lambda: shown(client.infer("echo", [texts(TEXT, "é")], headers=HEADERS, request_id="7"), "said")),
    "compressed": said(
        lambda: shown(client.infer("echo", [texts(TEXT)], headers=HEADERS, compression_algorithm="gzip"), "said")
    ),
    "classes": said(classes),
    "stream": said(stream),
    "unload": said(lambda: client.unload_model("nobody", headers=HEADERS)),
}
client.close()
print(json.dumps(seen))

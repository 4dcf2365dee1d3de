"""Calls model servers with the official clients and prints what they saw: kserve_calls.py MLSERVER KSERVE KSERVE_V1 TOKEN."""

import asyncio
import base64
import json
import sys

import httpx
import numpy as np
import tritonclient.http as triton
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

mlserver, kserve, kserve_v1, token = sys.argv[1:5]
TEXT = "write to anna@example.com, please"
HEADERS = {"Authorization": f"Bearer {token}"}
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], dtype=np.float64)


def shown(result, name):
    found = result.as_numpy(name)
    return [item.decode() if isinstance(item, bytes) else item for item in found.reshape(-1).tolist()]


def said(step):
    try:
        return step()
    except Exception as error:  # what a client makes of a refusal is a result, too
        return f"{type(error).__name__}: {error}"


def with_triton(url, binary):
    # tritonclient names no type, and the server of kserve goes by it
    headers = {**HEADERS, "Content-Type": "application/octet-stream"} if binary else HEADERS
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    seen = {}
    seen["live"] = client.is_server_live(headers=dict(HEADERS))
    seen["ready"] = client.is_server_ready(headers=dict(HEADERS))
    seen["model_ready"] = client.is_model_ready("echo", headers=dict(HEADERS))
    seen["missing"] = said(lambda: client.get_model_metadata("nobody", headers=dict(HEADERS)))
    text = triton.InferInput("text", [2], "BYTES")
    text.set_data_from_numpy(np.array([TEXT, "é"], dtype=np.object_), binary_data=binary)
    name = "said-text" if binary else "said"
    asked = [triton.InferRequestedOutput(name, binary_data=binary)]
    # uvicorn may have closed the connection that the client keeps
    client.close()
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    seen["said"] = said(lambda: shown(client.infer("echo", [text], outputs=asked, headers=dict(headers), request_id="7"), name))
    client.close()
    return seen


def iris():
    client = triton.InferenceServerClient(mlserver.removeprefix("http://"))
    rows = triton.InferInput("predict", [2, 4], "FP64")
    rows.set_data_from_numpy(ROWS, binary_data=False)
    asked = [triton.InferRequestedOutput("predict", binary_data=False)]
    seen = {
        "metadata": client.get_server_metadata(headers=dict(HEADERS))["name"],
        "classes": said(lambda: shown(client.infer("iris", [rows], outputs=asked, headers=dict(HEADERS)), "predict")),
        "version": said(lambda: client.is_model_ready("iris", "v1", headers=dict(HEADERS))),
        "index": said(lambda: sorted(model["name"] for model in client.get_model_repository_index(headers=dict(HEADERS)))),
        "unload": said(lambda: client.unload_model("nobody", headers=dict(HEADERS))),
    }
    client.close()
    return seen


async def with_kserve(url, binary):
    client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))
    text = InferInput("text", [1], "BYTES")
    text.set_data_from_numpy(np.array([TEXT], dtype=np.object_), binary_data=binary)
    request = InferRequest(model_name="echo", infer_inputs=[text], parameters={"binary_data_output": True} if binary else None)
    seen = {"ready": await client.is_server_ready(url, headers=dict(HEADERS))}
    try:
        answer = await client.infer(url, request, headers=dict(HEADERS), model_name="echo")
        found = answer.outputs[0].as_numpy().reshape(-1).tolist()
        seen["said"] = [item.decode() if isinstance(item, bytes) else item for item in found]
    except Exception as error:
        seen["said"] = f"{type(error).__name__}: {error}"
    await client.close()
    return seen


async def with_v1(url):
    client = InferenceRESTClient(RESTConfig(protocol="v1", retries=0))
    answer = await client.infer(url, {"instances": [TEXT, [1, 2], {"b64": base64.b64encode(TEXT.encode()).decode()}]}, headers=dict(HEADERS), model_name="echo")
    await client.close()
    return answer


def streamed():
    body = {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [TEXT]}]}
    texts = []
    with httpx.stream("POST", f"{mlserver}/v2/models/echo/infer_stream", json=body, headers=dict(HEADERS)) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                texts += json.loads(line[6:])["outputs"][0]["data"]
    return "".join(texts)


results = {
    "iris": iris(),
    "triton-json": with_triton(mlserver, False),
    "triton-binary": with_triton(kserve, True),
    "kserve-json": asyncio.run(with_kserve(kserve, False)),
    "kserve-binary": asyncio.run(with_kserve(kserve, True)),
    "v1": asyncio.run(with_v1(kserve_v1)),
    "stream": said(streamed),
}
print(json.dumps(results))

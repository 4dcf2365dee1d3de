"""A model server of the kserve package whose model says what it hears: kserve_server.py HTTP_PORT."""

import sys

import kserve.protocol.rest.server as rest
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

# it would listen on every address of the machine
config = rest.uvicorn.Config
rest.uvicorn.Config = lambda *args, host, **others: config(*args, host="127.0.0.1", **others)


class Echo(Model):
    def __init__(self):
        super().__init__("echo")
        self.ready = True

    def predict(self, payload, headers=None):
        if not isinstance(payload, InferRequest):
            return {"predictions": payload["instances"]}
        outputs = []
        for given in payload.inputs:
            said = InferOutput(name=f"said-{given.name}", shape=list(given.shape), datatype=given.datatype)
            said.set_data_from_numpy(given.as_numpy(), binary_data=payload.use_binary_outputs)
            outputs.append(said)
        return InferResponse(response_id=payload.id, model_name="echo", infer_outputs=outputs)


ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1).start([Echo()])

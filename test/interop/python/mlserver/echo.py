"""A model of MLServer that says what it hears: whole, or a few letters at a time."""

from typing import AsyncIterator

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Echo(MLModel):
    def _heard(self, payload: InferenceRequest) -> list[str]:
        return [text for given in payload.inputs for text in StringCodec.decode_input(given)]

    def _say(self, texts: list[str]) -> InferenceResponse:
        return InferenceResponse(model_name=self.name, outputs=[StringCodec.encode_output("said", texts)])

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        return self._say(self._heard(payload))

    async def predict_stream(self, payloads: AsyncIterator[InferenceRequest]) -> AsyncIterator[InferenceResponse]:
        async for payload in payloads:
            text = " ".join(self._heard(payload))
            for at in range(0, len(text), 4):
                yield self._say([text[at : at + 4]])

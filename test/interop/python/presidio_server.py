"""Presidio's analyzer behind the HTTP surface of its own container. Patterns only: its models of language cannot be fetched everywhere."""

import json
import sys

import tldextract
import tldextract.tldextract
from flask import Flask, Response, jsonify, request
from presidio_analyzer import AnalyzerEngine, AnalyzerRequest, PatternRecognizer, RecognizerRegistry
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

# its recognizer of addresses would fetch the list of public suffixes
tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())


class NoLanguage(NlpEngine):
    """Knows no words."""

    engine_name = "none"
    is_available = True

    def load(self):
        pass

    def is_loaded(self):
        return True

    def process_text(self, text, language):
        return NlpArtifacts(
            entities=[], tokens=[], tokens_indices=[], lemmas=[], nlp_engine=self, language=language
        )

    def process_batch(self, texts, language, **_):
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word, language):
        return False

    def is_punct(self, word, language):
        return False

    def get_supported_entities(self):
        return []

    def get_supported_languages(self):
        return ["en"]


registry = RecognizerRegistry(supported_languages=["en"])
registry.load_predefined_recognizers(languages=["en"], nlp_engine=None)
registry.recognizers = [each for each in registry.recognizers if "Spacy" not in type(each).__name__]
registry.add_recognizer(PatternRecognizer(supported_entity="PERSON", deny_list=["Anna Schmidt", "王小明"]))
engine = AnalyzerEngine(registry=registry, nlp_engine=NoLanguage(), supported_languages=["en"])
app = Flask(__name__)


@app.route("/health")
def health():
    return "Presidio Analyzer service is up"


@app.route("/analyze", methods=["POST"])
def analyze():
    try:
        asked = AnalyzerRequest(request.get_json())
        if not asked.text:
            raise Exception("No text provided")
        found = engine.analyze(
            text=asked.text,
            language=asked.language,
            correlation_id=asked.correlation_id,
            score_threshold=asked.score_threshold,
            entities=asked.entities,
            return_decision_process=asked.return_decision_process,
            ad_hoc_recognizers=asked.ad_hoc_recognizers,
            context=asked.context,
        )
        text = json.dumps(found, default=lambda each: each.to_dict(), sort_keys=True)
        return Response(text, content_type="application/json")
    except Exception as error:
        return jsonify(error=str(error)), 500


app.run(host="127.0.0.1", port=int(sys.argv[1]))

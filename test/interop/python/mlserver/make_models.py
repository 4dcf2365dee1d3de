"""Trains a classifier on the iris data and lays out a folder of models for MLServer: make_models.py FOLDER HTTP GRPC METRICS."""

import json
import shutil
import sys
from pathlib import Path

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

folder, http, grpc, metrics = Path(sys.argv[1]), *map(int, sys.argv[2:5])
iris, echo = folder / "iris", folder / "echo"
for model in (iris, echo):
    model.mkdir(parents=True)

data = load_iris()
joblib.dump(LogisticRegression(max_iter=500).fit(data.data, data.target), iris / "model.joblib")
(iris / "model-settings.json").write_text(
    json.dumps(
        {
            "name": "iris",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib", "version": "v1"},
        }
    )
)
shutil.copy(Path(__file__).parent / "echo.py", echo / "echo.py")
(echo / "model-settings.json").write_text(json.dumps({"name": "echo", "implementation": "echo.Echo"}))
(folder / "settings.json").write_text(
    json.dumps(
        {
            "host": "127.0.0.1",
            "http_port": http,
            "grpc_port": grpc,
            "metrics_port": metrics,
            "parallel_workers": 0,
            "gzip_enabled": False,
        }
    )
)
print("null")

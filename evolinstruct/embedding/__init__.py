"""Embedding: texts become vectors, which are kept: on this machine, or as a stage over a session.

local    by the model that an extra brings
service  by a service, each text a call that is journalled like any other
job      the texts of one folder, kept with their vectors as these come
"""

from evolinstruct.embedding.job import Embedder, Embedding, EmbeddingJob, Expected
from evolinstruct.embedding.local import LocalEmbedder
from evolinstruct.embedding.service import ServiceEmbedder, with_model

__all__ = [
    "Embedder",
    "Embedding",
    "EmbeddingJob",
    "Expected",
    "LocalEmbedder",
    "ServiceEmbedder",
    "with_model",
]

# flake8: noqa

# import apis into api package
from recollect_client.api.completion_api import CompletionApi
from recollect_client.api.episodes_api import EpisodesApi
from recollect_client.api.learning_api import LearningApi
from recollect_client.api.spaces_api import SpacesApi
from recollect_client.api.system_api import SystemApi


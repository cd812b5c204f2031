"""Static files under names that carry their content's hash: browsers may keep them for ever."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class HashedStaticFilesStorage(ManifestStaticFilesStorage):
    """Also rewrite the imports between our JavaScript modules."""

    support_js_module_import_aggregation = True

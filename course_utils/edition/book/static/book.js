// The lines around a word that was searched are fetched, which a browser refuses to files.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

"""Results as sentences, tables, HTML and colours; pure functions without Streamlit."""

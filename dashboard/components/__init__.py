"""Elements that several pages draw: leads, lists, exports, forms and components with scripts."""

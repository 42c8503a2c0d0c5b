/* What each page of the book loads: questions and hints where there are any. */
import "./_store.js";

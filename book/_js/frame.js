/* The frame around each page: colors, sidebars, the place in the page, copying, search.
 *
 * It replaces the theme's scripts (bootstrap, doctools and seven more). The theme's
 * markup and its style sheet are as they were; the first colors are set in the page's
 * head (book/_templates/first.js).
 */
import "./_copy.js";
import "./_scrollers.js";
import "./_search-opener.js";
import "./_sidebars.js";
import "./_spy.js";
import "./_terms.js";
import "./_theme.js";

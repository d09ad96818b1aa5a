/** The kernel's logo: a router and the experts that it selects. */
export const LOGO_SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">
  <rect width="64" height="64" rx="10" fill="#3178c6"/>
  <g stroke="#fff" stroke-width="3" stroke-linecap="round">
    <path d="M20 32 44 14M20 32 44 50"/>
    <path d="M20 32 44 32" opacity=".35"/>
  </g>
  <g fill="#fff">
    <circle cx="18" cy="32" r="8"/>
    <circle cx="46" cy="14" r="6"/>
    <circle cx="46" cy="32" r="6" opacity=".35"/>
    <circle cx="46" cy="50" r="6"/>
  </g>
</svg>
`;

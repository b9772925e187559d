// On a phone the menu covers the page: close it when a page is chosen.

if (!window.ferPhoneMenu) {
  window.ferPhoneMenu = true;
  document.addEventListener("click", (event) => {
    if (window.innerWidth <= 768 && event.target.closest('[data-testid="stSidebarNavLink"]'))
      document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click();
  });
}

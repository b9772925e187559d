"""What an app that strangers use needs: settings, folders by visitor, quotas, what may be read, and cleaning up. Local use asks none of it."""
